"""Label maps as palette PNG, the format of Pascal VOC: the pixel is the class id, the palette its colour."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.models.labels import VOID, ClassTable, LabelMap
from service.pixels.encoders.png import encode_png
from service.pixels.threads import pixel_work

VOID_COLOR = (224, 224, 192)  # the cream of VOC's own label files


@pixel_work
def palette_png(labels: LabelMap, classes: ClassTable) -> bytes:
    """Opened with Pillow the mode is "P" and the pixels are `labels` again."""
    height, width = labels.shape
    image = Image.frombytes("P", (width, height), labels.tobytes())
    image.putpalette(_palette(classes).tobytes())
    return encode_png(image)


def _palette(classes: ClassTable) -> NDArray[np.uint8]:
    """(256, 3) RGB. Always 256 rows: Pillow packs pixels into fewer bits for a shorter palette, and 255 is lost."""
    colors = np.zeros((256, 3), np.uint8)
    for entry in classes:
        colors[entry.id] = entry.color
    colors[VOID] = VOID_COLOR
    return colors

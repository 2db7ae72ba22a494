"""Makes the HEIC files beside it: `python make_heic.py`, with pillow-heif 1.8.1 and numpy.

They are kept because the only encoder among the wheels, x265 in pillow-heif, is GPL and no dependency of this project.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from tests.unit.pixels.decode import samples

HERE = Path(__file__).parent


def write(name: str, mode: str, pixels: NDArray[Any], **options: Any) -> None:
    picture = pillow_heif.from_bytes(mode, (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels).tobytes())
    picture.save(HERE / f"{name}.heic", quality=90, chroma=444, **options)


def main() -> None:
    corners = np.asarray(samples.corners())
    deep, grey = corners.astype(np.uint16) * 257, np.asarray(samples.corners().convert("L"))
    alpha = np.full(grey.shape, 255, np.uint8)
    alpha[:32, :48], alpha[:32, 48:] = 0, 128
    write("rgb", "RGB", corners)
    write("grey", "L", grey)
    write("rgb10", "RGB;16", deep)
    write("grey10", "I;16", grey.astype(np.uint16) * 257)
    write("rgba", "RGBA", np.dstack([corners, alpha]))
    write("rgba10", "RGBA;16", np.dstack([deep, alpha.astype(np.uint16) * 257]))
    write(
        "premultiplied", "RGBa", np.dstack([np.rint(corners * (alpha[..., np.newaxis] / 255)).astype(np.uint8), alpha])
    )
    pillow_heif.options.SAVE_HDR_TO_12_BIT = True
    write("grey12", "I;16", grey.astype(np.uint16) * 257)
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    p3 = samples.signal_of(samples.in_primaries(samples.P3_TO_XYZ, corners))
    write("p3", "RGB", np.rint(255 * p3).astype(np.uint8), color_primaries=12, transfer_characteristics=13)
    nits = 203 * samples.in_primaries(samples.BT2020_TO_XYZ, corners)
    for name, transfer, signal in (("pq", 16, samples.pq_signal(nits)), ("hlg", 18, samples.hlg_signal(nits))):
        options = {"color_primaries": 9, "transfer_characteristics": transfer, "matrix_coefficients": 9}
        write(name, "RGB;16", np.rint(65535 * signal).astype(np.uint16), **options)
    for orientation, stored_as in samples.STORED_AS.items():
        stored = Image.fromarray(np.ascontiguousarray(stored_as(corners)))
        # Given EXIF as bytes, pillow-heif writes the turn into the container, as cameras do.
        pillow_heif.register_heif_opener()
        exif = samples.metadata(orientation=orientation).tobytes()
        stored.save(HERE / f"orientation{orientation}.heic", "HEIF", quality=90, chroma=444, exif=exif)
    burst = pillow_heif.from_pillow(Image.new("RGB", (96, 64), samples.BLUE))
    burst.add_from_pillow(samples.corners())
    burst.add_from_pillow(Image.new("RGB", (96, 64), samples.YELLOW))
    burst.save(HERE / "burst.heic", quality=90, chroma=444, primary_index=1)


if __name__ == "__main__":
    main()

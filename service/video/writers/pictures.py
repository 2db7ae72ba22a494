"""A PNG a frame, in a ZIP, and beside them the time of each."""

import json
import zipfile
from fractions import Fraction

from PIL import Image

from service.pixels.encoders import PICTURE_ENCODERS
from service.video.writers.writer import Order

TIMES = "times.json"


class ZipWriter:
    """A Writer. PNG is deflated already, so the archive is not."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._archive = zipfile.ZipFile(order.path, "w", zipfile.ZIP_STORED)
        self._times: list[dict[str, float | str | None]] = []

    def write(self, picture: Image.Image, at: Fraction, duration: Fraction | None) -> None:
        name = f"frame-{len(self._times) + 1:06}.png"
        self._archive.writestr(name, PICTURE_ENCODERS["png"](picture, 90, "fast"))
        length = None if duration is None else float(duration)
        self._times.append({"name": name, "at_s": round(float(at), 6), "duration_s": length})

    def finish(self) -> None:
        self._archive.writestr(TIMES, json.dumps({"rate": float(self._order.facts.rate), "frames": self._times}))
        self._archive.close()

    def abandon(self) -> None:
        self._archive.close()

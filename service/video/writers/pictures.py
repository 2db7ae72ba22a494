"""A PNG a frame, in a ZIP or in a folder, and beside them the time of each."""

import json
import shutil
import zipfile
from fractions import Fraction

from PIL import Image

from service.pixels.encoders import PICTURE_ENCODERS
from service.video.writers.writer import Order

TIMES = "times.json"


class _Pictures:
    """What the two have in common: names, and times."""

    def __init__(self, order: Order) -> None:
        self._rate = order.facts.rate
        self._times: list[dict[str, float | str | None]] = []

    def prepare(self, picture: Image.Image) -> bytes:
        return PICTURE_ENCODERS["png"](picture, 90, "fast")

    def _name(self, at: Fraction, duration: Fraction | None) -> str:
        """Of the next one."""
        name = f"frame-{len(self._times) + 1:06}.png"
        length = None if duration is None else float(duration)
        self._times.append({"name": name, "at_s": round(float(at), 6), "duration_s": length})
        return name

    def _told(self) -> str:
        return json.dumps({"rate": float(self._rate), "frames": self._times})


class ZipWriter(_Pictures):
    """A Writer. PNG is deflated already, so the archive is not."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._archive = zipfile.ZipFile(order.path, "w", zipfile.ZIP_STORED)

    def write(self, ready: bytes, at: Fraction, duration: Fraction | None) -> None:
        self._archive.writestr(self._name(at, duration), ready)

    def finish(self) -> None:
        self._archive.writestr(TIMES, self._told())
        self._archive.close()

    def abandon(self) -> None:
        self._archive.close()


class FolderWriter(_Pictures):
    """A Writer. What an earlier run that was killed has left in the unfinished folder goes."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._folder = order.path
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()

    def write(self, ready: bytes, at: Fraction, duration: Fraction | None) -> None:
        (self._folder / self._name(at, duration)).write_bytes(ready)

    def finish(self) -> None:
        (self._folder / TIMES).write_text(self._told(), encoding="utf-8")

    def abandon(self) -> None:
        """Nothing is open."""

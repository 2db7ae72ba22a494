"""The tiny networks, which cannot be loaded as long as a file is there. Imports no torch, so that it fails quickly."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter


class Fault:
    """Breaks starts, until it is mended."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def happens(self) -> None:
        self.file.touch()

    def is_mended(self) -> None:
        self.file.unlink()


def flaky_families(broken: Path) -> "Mapping[str, type[Segmenter]]":
    if broken.exists():
        raise RuntimeError("broken for now")
    from tests.fakes import tiny_families

    return tiny_families()

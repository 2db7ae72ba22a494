"""The networks of tests/fakes.py, by functions that import torch where they are called: in workers, as with ours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.models.segmenters.base import Segmenter


def tiny_families() -> "Mapping[str, type[Segmenter]]":
    from tests import fakes

    return fakes.tiny_families()


def raising_families() -> "Mapping[str, type[Segmenter]]":
    from tests import fakes

    return fakes.raising_families()

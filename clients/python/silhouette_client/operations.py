"""The operations as methods, which both clients have, and how they reach the service unless they are told."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, Unpack

from silhouette_client.options import (
    BlurBackgroundOptions,
    ColorPopOptions,
    Picture,
    ProductShotOptions,
    RemoveBackgroundOptions,
    ReplaceBackgroundOptions,
    SegmentOptions,
)
from silhouette_client.version import __version__

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_S = 60.0

POLL_S = 0.5
"""How often `wait` asks how far a job is."""

CHUNK_BYTES = 1 << 20
"""Of a result on its way into a file."""

Answer = TypeVar("Answer", covariant=True)


def headers_of(key: str | None) -> dict[str, str]:
    return {"User-Agent": f"silhouette-client/{__version__}", **({"X-Api-Key": key} if key else {})}


class Operations(ABC, Generic[Answer]):
    """One method an operation; Answer is Result, or what is awaited for it."""

    def segment(self, image: Picture, **options: Unpack[SegmentOptions]) -> Answer:
        """What every pixel shows: a label map, masks, an overlay or figures."""
        return self._run("segment", image, options)

    def remove_background(self, image: Picture, **options: Unpack[RemoveBackgroundOptions]) -> Answer:
        """The subject with straight alpha, or its matte."""
        return self._run("remove-background", image, options)

    def replace_background(self, image: Picture, **options: Unpack[ReplaceBackgroundOptions]) -> Answer:
        """The subject over `background`, a picture, or `color`."""
        return self._run("replace-background", image, options)

    def blur_background(self, image: Picture, **options: Unpack[BlurBackgroundOptions]) -> Answer:
        """The subject sharp, the rest blurred."""
        return self._run("blur-background", image, options)

    def color_pop(self, image: Picture, **options: Unpack[ColorPopOptions]) -> Answer:
        """The subject in colour, the rest grey."""
        return self._run("color-pop", image, options)

    def product_shot(self, image: Picture, **options: Unpack[ProductShotOptions]) -> Answer:
        """The subject on a clean page."""
        return self._run("product-shot", image, options)

    @abstractmethod
    def _run(self, operation: str, image: Picture, options: Mapping[str, Any]) -> Answer: ...

"""What the service has made of a picture or a film, or will have made of it."""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import httpx2

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image


@dataclass(frozen=True)
class Result:
    """What the service made of a picture."""

    content: bytes
    """The file: PNG, WebP, JPEG, JSON, NPZ or ZIP, as `media_type` says."""
    headers: httpx2.Headers

    @property
    def media_type(self) -> str:
        return self.headers["Content-Type"].partition(";")[0]

    @property
    def request_id(self) -> str:
        """Under which the service's log tells of it."""
        return self.headers.get("X-Request-Id", "")

    @property
    def model(self) -> str:
        """Name and version of the network."""
        return self.headers.get("X-Model", "")

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(left, top, width, height) of the subject in the photo, in pixels; of effects, where there is one."""
        sides = [self.headers.get(f"X-Foreground-{side}") for side in ("Left", "Top", "Width", "Height")]
        left, top, width, height = (int(side or 0) for side in sides)
        return None if None in sides else (left, top, width, height)

    def json(self) -> Any:
        return json.loads(self.content)

    def save(self, path: str | os.PathLike[str]) -> None:
        Path(path).write_bytes(self.content)

    def image(self) -> "Image":
        """For those who have Pillow."""
        from PIL import Image

        image = Image.open(io.BytesIO(self.content))
        image.load()
        return image

    def array(self) -> "NDArray[Any]":
        """For those who have Pillow and numpy: (height, width) or (height, width, channels), uint8.

        Of a label map, the class ids; 255 is none.
        """
        import numpy as np

        return np.asarray(self.image())


@dataclass(frozen=True)
class Job:
    """A film, or a picture, that the service works on, or has; `told` is all that it says of it."""

    told: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.told["id"])

    @property
    def state(self) -> Literal["queued", "running", "done", "failed", "cancelled"]:
        state: Literal["queued", "running", "done", "failed", "cancelled"] = self.told["state"]
        return state

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def done(self) -> int:
        """Frames, of `total`."""
        return int(self.told["progress"]["done"])

    @property
    def total(self) -> int | None:
        """None as long as nobody knows."""
        total: int | None = self.told["progress"]["total"]
        return total

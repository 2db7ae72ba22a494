"""Synthetic cameras: a real person over a real photo, standing or moving, with the noise of a sensor.

The person is cut out of scikit-image's astronaut by the service itself; the room behind her is its cup of coffee.
"""

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image
from skimage import data
from websockets.asyncio.client import ClientConnection

from service.errors import ConfigurationError
from service.stream.protocol import pack

Rgb = Image.Image

WIDTH, HEIGHT = 640, 480
PERSON_SHARE = 0.83
"""Of the picture's height."""

NOISE_LEVELS = 8.0
"""Standard deviation of a pixel, of 255: a webcam in the evening."""

JPEG_QUALITY = 80
SEED = 6
FILM_FRAMES = 60


def astronaut_jpeg() -> bytes:
    return jpeg(Image.fromarray(data.astronaut()), 95)


def room(size: tuple[int, int]) -> Rgb:
    return Image.fromarray(data.coffee()).resize(size, Image.Resampling.LANCZOS)


def jpeg(picture: Rgb, quality: int = JPEG_QUALITY) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


class Set:
    """Where it is filmed: `person` is RGBA, and the room has the camera's size."""

    def __init__(self, person: Rgb, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        side = round(size[1] * PERSON_SHARE)
        self.size = size
        self._person = person.resize((side, side), Image.Resampling.LANCZOS)
        self._room = room(size)

    def picture(self, x_px: float) -> Rgb:
        """With the person's left edge at `x_px`, standing on the lower edge."""
        result = self._room.copy()
        place = (round(x_px), self.size[1] - self._person.height)
        result.paste(self._person.convert("RGB"), place, self._person.getchannel("A"))
        return result

    @property
    def middle_px(self) -> float:
        return (self.size[0] - self._person.width) / 2

    def walk(self, px_a_frame: float, frames: int) -> list[float]:
        """The person's place in each frame, to and fro around the middle."""
        span = self.size[0] * 0.25
        return [self.middle_px - span / 2 + abs((px_a_frame * i) % (2 * span) - span) for i in range(frames)]


def filmed(pictures: Iterable[Rgb], noise_levels: float = NOISE_LEVELS) -> Iterator[bytes]:
    """Each picture as a JPEG, as a sensor with noise saw it. The same pictures have the same noise every time."""
    random = np.random.default_rng(SEED)
    for picture in pictures:
        levels = np.asarray(picture) + random.normal(0, noise_levels, (picture.height, picture.width, 3))
        yield jpeg(Image.fromarray(levels.clip(0, 255).astype(np.uint8)))


Mattes = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
"""(frames, h, w) in [0, 1]."""


def flicker(mattes: Mattes) -> float:
    """The mean change from frame to frame."""
    return float(np.abs(np.diff(mattes, axis=0)).mean())


def lag_frames(mattes: Mattes, exact: Mattes, most: int = 3, steps: int = 20) -> float:
    """By how many frames the mattes are behind the exact ones: the shift in time at which they differ least."""
    delays = [step / steps for step in range(most * steps + 1)]
    errors = [float(np.abs(mattes[most + 1 :] - _delayed(exact, delay, most + 1)).mean()) for delay in delays]
    return delays[int(np.argmin(errors))]


def _delayed(mattes: Mattes, delay: float, first: int) -> Mattes:
    """From frame `first` on, interpolated between the two frames that are `delay` behind."""
    whole, part = int(delay), delay - int(delay)
    newer, older = (mattes[first - lag : len(mattes) - lag] for lag in (whole, whole + 1))
    result: Mattes = (1 - part) * newer + part * older
    return result


def mediapipe_smoothed(mattes: Mattes, ratio: float = 0.9) -> Mattes:
    """What MediaPipe would make of them: mixed with the former one where the network is undecided.

    Source: MediaPipe's `segmentation_smoothing_calculator.cc`.
    """
    smoothed = [mattes[0]]
    for plane in mattes[1:]:
        x = np.square(plane - 0.5)
        certain = x * (5.68842 + x * (-0.748699 + x * (-57.8051 + x * (291.309 + x * -624.717))))
        smoothed.append(plane + (smoothed[-1] - plane) * (1 - np.minimum(1, certain)) * ratio)
    return np.stack(smoothed)


def hello(model: str, output: str, size: tuple[int, int], smoothing: float = 0.9) -> str:
    effect = {"effect": "replace-background", "options": {"color": "dodgerblue"}}
    return json.dumps(
        {"type": "hello", "model": model, "output": output, "width": size[0], "height": size[1], **effect}
        | {"smoothing": smoothing}
    )


async def opened(socket: ClientConnection, greeting: str) -> dict[str, Any]:
    """Raises ConfigurationError where the service refuses."""
    await socket.send(greeting)
    answer: dict[str, Any] = json.loads(await socket.recv())
    if answer["type"] != "ready":
        raise ConfigurationError(f"{answer['code']}: {answer['detail']}")
    return answer


def framed(seq: int, sent_at: float, content: bytes) -> bytes:
    return pack({"seq": seq, "timestamp_ms": sent_at * 1000, "format": "jpeg"}, content)

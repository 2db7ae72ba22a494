"""Synthetic cameras: a real person over a real photo, standing or moving, with the noise of a sensor.

The person is cut out of scikit-image's astronaut by the service itself; the room behind her is its cup of coffee.
"""

import argparse
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from PIL import Image
from skimage import data
from websockets.asyncio.client import ClientConnection

from benchmarks.harness.load import HOST
from benchmarks.harness.servers import Server
from service.configuration_errors import ConfigurationError
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


def person(server: Server, model: str) -> Rgb:
    """RGBA, cut out of the astronaut by the service itself."""
    url = f"http://{HOST}:{server.port}/remove-background"
    photo = jpeg(Image.fromarray(data.astronaut()), 95)
    answer = httpx2.post(url, params={"model": model}, files={"image": photo}, timeout=60)
    return Image.open(io.BytesIO(answer.raise_for_status().content))


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


def add_camera_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="selfie", help="default: selfie")
    parser.add_argument("--size", type=_size, default=(WIDTH, HEIGHT), metavar="WxH", help=f"default: {WIDTH}x{HEIGHT}")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every row to OUT")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 640x480")
    return int(width), int(height)

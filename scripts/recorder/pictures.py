"""What is sent: photos of scikit-image in every format, and what is no photo.

The astronaut is in the public domain (NASA); the cat (Stefan van der Walt) and the coffee (Rachel Michetti) are CC0.
"""

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

SIDE_PX = 480
LARGE_PX = 1600
"""Far above what a network sees, so that refinement has work to do."""

FRAME_SIZE = (320, 240)
FRAMES = 10
STEP_PX = 8
"""By which the camera moves from frame to frame."""

ORIENTATION = 0x0112  # the EXIF tag
QUARTER_TURN = 6


def make(folder: Path) -> None:
    """Writes every picture, in seconds."""
    folder.mkdir(parents=True)
    for name, content in PICTURES.items():
        (folder / name).write_bytes(content())


def _astronaut(side_px: int = SIDE_PX) -> Image.Image:
    return Image.fromarray(data.astronaut()).resize((side_px, side_px), Image.Resampling.LANCZOS)


def _cat() -> Image.Image:
    return Image.fromarray(data.chelsea())


def _coffee() -> Image.Image:
    return Image.fromarray(data.coffee()).resize((SIDE_PX, SIDE_PX * 2 // 3), Image.Resampling.LANCZOS)


def _far_away() -> Image.Image:
    """A subject so small that a closer look shows more of it."""
    scene = Image.linear_gradient("L").resize((SIDE_PX * 4 // 3, SIDE_PX)).convert("RGB")
    scene.paste(_astronaut(SIDE_PX // 3), (SIDE_PX // 2, SIDE_PX // 2))
    return scene


def _half_clear(picture: Image.Image) -> Image.Image:
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, picture.width // 2, picture.height))
    picture.putalpha(alpha)
    return picture


def _sixteen_bit() -> Image.Image:
    return Image.fromarray(np.asarray(_cat().convert("L")).astype(np.uint16) * 257)


def _turned() -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    return _encoded(_astronaut().rotate(90), "JPEG", quality=90, exif=exif)


def _frame(index: int) -> Image.Image:
    left = index * STEP_PX
    width, height = FRAME_SIZE
    return _astronaut().crop((left, 0, left + width, height))


def _frame_jpeg(index: int) -> bytes:
    return _encoded(_frame(index), "JPEG", quality=80)


def _encoded(picture: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "astronaut.jpg": lambda: _encoded(_astronaut(), "JPEG", quality=90),
    "large.jpg": lambda: _encoded(_astronaut(LARGE_PX), "JPEG", quality=90),
    "cat.png": lambda: _encoded(_cat(), "PNG"),
    "coffee.webp": lambda: _encoded(_coffee(), "WEBP", quality=90),
    "far.jpg": lambda: _encoded(_far_away(), "JPEG", quality=90),
    "turned.jpg": _turned,
    "clear.png": lambda: _encoded(_half_clear(_cat()), "PNG"),
    "deep.png": lambda: _encoded(_sixteen_bit(), "PNG"),
    "cmyk.jpg": lambda: _encoded(_astronaut().convert("CMYK"), "JPEG", quality=90),
    "astronaut.gif": lambda: _encoded(_astronaut().quantize(64), "GIF"),
    "astronaut.bmp": lambda: _encoded(_astronaut(), "BMP"),
    "astronaut.tif": lambda: _encoded(_astronaut(), "TIFF"),
    "astronaut.avif": lambda: _encoded(_astronaut(), "AVIF", quality=80),
    "backdrop.jpg": lambda: _encoded(_coffee().resize((300, 200)), "JPEG", quality=90),
    "backdrop.png": lambda: _encoded(_half_clear(_coffee()), "PNG"),
    "plain.png": lambda: _encoded(Image.new("RGB", (SIDE_PX, SIDE_PX), (120, 120, 120)), "PNG"),
    "nothing.png": lambda: b"",
    "cut.jpg": lambda: _encoded(_astronaut(), "JPEG", quality=90)[:20_000],
    "broken.png": lambda: _encoded(_cat(), "PNG")[:16] + bytes(200),
    "text.jpg": lambda: b"this is no picture\n" * 20,
    "wide.png": lambda: _encoded(Image.new("1", (4000, 1000)), "PNG"),
    "heavy.bin": lambda: bytes(5_000_000),
    **{f"frame-{index}.jpg": partial(_frame_jpeg, index) for index in range(FRAMES)},
    "frame.webp": lambda: _encoded(_frame(0), "WEBP", quality=80),
    "frame.rgb": lambda: _frame(0).tobytes(),
}
"""By name; each is made when it is needed."""

"""What lies in people's folders beside photos: each with what is to become of it when the folder is worked off."""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from service.pixels.png_format import SIGNATURE, chunk

DONE = "done"
LEFT_OUT = "left out"
PASSED_OVER = "passed over"

ORIENTATION_TAG, QUARTER_TURN = 0x0112, 6


@dataclass(frozen=True)
class Odd:
    """One odd file."""

    name: str
    make: Callable[[Path, Image.Image], None]
    """Writes it under this path; gets a photo that has a subject."""
    expected: str
    """DONE, LEFT_OUT, PASSED_OVER, or the code of the failure."""


def _bytes(content: bytes) -> Callable[[Path, Image.Image], None]:
    return lambda path, photo: _none(path.write_bytes(content))


def _saved(format_: str, mode: str = "RGB") -> Callable[[Path, Image.Image], None]:
    return lambda path, photo: photo.convert(mode).save(path, format_)


def _none(_: object) -> None:
    return None


def _cut_off(path: Path, photo: Image.Image) -> None:
    photo.save(path, "JPEG")
    os.truncate(path, path.stat().st_size // 2)


def _deep_grey(path: Path, photo: Image.Image) -> None:
    Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257).save(path)


def _animation(path: Path, photo: Image.Image) -> None:
    photo.save(path, save_all=True, append_images=[photo.rotate(90)])


def _turned(path: Path, photo: Image.Image) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = QUARTER_TURN
    photo.rotate(90, expand=True).save(path, exif=exif)


def _huge(path: Path, _: Image.Image) -> None:
    """A PNG whose header promises 30,000 x 30,000 pixels."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b""))
    path.write_bytes(SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks))


ODD_FILES = (
    Odd("empty.jpg", _bytes(b""), "missing_image"),
    Odd("text.jpg", _bytes(b"not a photo\n"), "unsupported_image"),
    Odd("cut-off.jpg", _cut_off, "truncated_image"),
    Odd("huge.png", _huge, "too_many_pixels"),
    Odd("nobody.png", lambda path, photo: Image.new("RGB", photo.size).save(path), "no_foreground"),
    Odd("dangling.jpg", lambda path, photo: path.symlink_to("nowhere"), "unreadable_file"),
    Odd("loop.jpg", lambda path, photo: path.symlink_to("loop.jpg"), "unreadable_file"),
    Odd("folder.jpg", lambda path, photo: path.mkdir(), PASSED_OVER),
    Odd("pipe.png", lambda path, photo: os.mkfifo(path), LEFT_OUT),
    Odd("notes.txt", _bytes(b"buy milk\n"), LEFT_OUT),
    Odd("raw.CR2", _bytes(b"II*\0"), LEFT_OUT),
    Odd("._photo.jpg", _bytes(b"a resource fork"), PASSED_OVER),
    Odd("UPPER.JPE", _saved("JPEG"), DONE),
    Odd("saved-by-a-browser.jfif", _saved("JPEG"), DONE),
    Odd("print.jpg", _saved("JPEG", "CMYK"), DONE),
    Odd("scan.png", _deep_grey, DONE),
    Odd("moving.gif", _animation, DONE),
    Odd("a-png-in-truth.jpg", _saved("PNG"), DONE),
    Odd("turned.jpg", _turned, DONE),
    Odd("naïve 🐈\nsecond line.jpg", _saved("JPEG"), DONE),
)

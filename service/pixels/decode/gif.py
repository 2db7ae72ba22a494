"""GIF: Pillow decodes the first frame, and gets nothing else; all are counted here.

Pillow's time for a comment grows with the square of its length, and its count of frames has no limit.
"""

from dataclasses import dataclass

from service.errors import UndecodableImage
from service.pixels.decode.plain import open_by_pillow
from service.pixels.decode.raster import Header

IMAGE, EXTENSION, GRAPHIC_CONTROL, END = 0x2C, 0x21, 0xF9, b";"
HEADER_BYTES, DESCRIPTOR_BYTES = 13, 10
MAX_BLOCKS = 2_000_000
"""A real file of 32 MB has 130,000. Walking so many takes 0.2 s; frames beyond are not counted."""


@dataclass(frozen=True)
class Gif:
    """What is decoded of a file, and how much there is in it."""

    first: bytes
    frames: int


def open_gif(encoded: bytes) -> Header:
    gif = take_apart(encoded)
    return open_by_pillow(gif.first, "GIF", gif.frames)


def take_apart(encoded: bytes) -> Gif:
    """Up to where the file ends or is damaged. Raises UndecodableImage where that is before the first picture."""
    place = HEADER_BYTES + _palette_bytes(encoded, 10)
    header, control, first, frames, blocks = encoded[:place], b"", b"", 0, 0
    while blocks < MAX_BLOCKS and encoded[place : place + 1] in (bytes((IMAGE,)), bytes((EXTENSION,))):
        start, is_image = place, encoded[place] == IMAGE
        place += DESCRIPTOR_BYTES + _palette_bytes(encoded, place + 9) + 1 if is_image else 2
        place, passed = _behind_blocks(encoded, place, MAX_BLOCKS - blocks)
        blocks += passed
        frames += is_image
        if is_image and not first:
            first = encoded[start:place]
        elif not first and encoded[start + 1 : start + 2] == bytes((GRAPHIC_CONTROL,)):
            control = encoded[start:place]
    if not first:
        raise UndecodableImage("a GIF without a picture")
    return Gif(header + control + first + END, frames)


def _behind_blocks(encoded: bytes, place: int, most: int) -> tuple[int, int]:
    """Where a run of blocks ends, each of which begins with its length and the last of which is empty; and how many."""
    passed = 1
    while place < len(encoded) and encoded[place] and passed < most:
        place += encoded[place] + 1
        passed += 1
    return place + 1, passed


def _palette_bytes(encoded: bytes, place: int) -> int:
    """Of the palette that the flags at `place` announce."""
    flags = encoded[place] if place < len(encoded) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

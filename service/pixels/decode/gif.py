"""GIF: Pillow reads it; its frames are counted here, because Pillow takes a minute for a file that means ill."""

from service.pixels.decode.plain import open_by_pillow
from service.pixels.decode.raster import Header

IMAGE, EXTENSION = 0x2C, 0x21
MAX_BLOCKS = 2_000_000
"""A real file of 32 MB has 130,000. Walking so many takes 0.2 s; frames beyond are not counted."""


def open_gif(encoded: bytes) -> Header:
    return open_by_pillow(encoded, "GIF", max(1, count_frames(encoded)))


def count_frames(encoded: bytes) -> int:
    """Up to where the file ends or is damaged."""
    frames, blocks = 0, 0
    try:
        place = 13 + _palette_bytes(encoded[10])
        while blocks < MAX_BLOCKS:
            if encoded[place] == IMAGE:
                frames += 1
                place += 11 + _palette_bytes(encoded[place + 9])
            elif encoded[place] == EXTENSION:
                place += 2
            else:
                break
            while encoded[place]:
                place += encoded[place] + 1
                blocks += 1
            place += 1
            blocks += 1
    except IndexError:
        pass
    return frames


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

"""Damages the bytes of a picture, the way disks, networks and attackers do."""

import random
import struct
import zlib
from collections.abc import Callable, Sequence

from service.pixels.png_format import SIGNATURE

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    127,
    128,
    255,
    256,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
"""Where counts and sizes overflow."""
HEADER_BYTES = 200
"""Half of all hits go there, where they hurt most."""
MOST_HITS = 8

Damage = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray]


def damaged(encoded: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A copy with one to eight hits. A PNG gets right checksums most of the time, so that its content is looked at."""
    content = bytearray(encoded)
    for _ in range(chance.randint(1, MOST_HITS)):
        content = chance.choice(DAMAGES)(content, chance, others)
    if content.startswith(SIGNATURE) and chance.random() < 0.8:
        content = _with_right_checksums(content)
    return bytes(content)


def _place(content: bytearray, chance: random.Random) -> int:
    most = len(content) if chance.random() < 0.5 else min(len(content), HEADER_BYTES)
    return chance.randrange(max(1, most))


def _flip_a_bit(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    if content:
        content[_place(content, chance)] ^= 1 << chance.randrange(8)
    return content


def _set_a_byte(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    if content:
        content[_place(content, chance)] = chance.randrange(256)
    return content


def _set_a_number(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    place, format_ = _place(content, chance), chance.choice(("<H", ">H", "<I", ">I"))
    number = chance.choice(NUMBERS) & ((1 << 8 * struct.calcsize(format_)) - 1)
    content[place : place + struct.calcsize(format_)] = struct.pack(format_, number)
    return content


def _cut_off(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    return content[: chance.randrange(len(content) + 1)] if chance.random() < 0.3 else content


def _leave_out(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    place = _place(content, chance)
    del content[place : place + chance.randint(1, 64)]
    return content


def _repeat(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    start, length = _place(content, chance), chance.randint(1, 64)
    content[start:start] = content[start : start + length] * chance.randint(1, 8)
    return content


def _move(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    start, to, length = _place(content, chance), _place(content, chance), chance.randint(1, 32)
    content[to : to + length] = content[start : start + length]
    return content


def _graft(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    """A piece of another picture in the same place."""
    other = chance.choice(others)
    start, length = _place(content, chance), chance.randint(4, 64)
    content[start : start + length] = other[start : start + length]
    return content


DAMAGES: tuple[Damage, ...] = (
    _flip_a_bit,
    _set_a_byte,
    _set_a_byte,
    _set_a_number,
    _set_a_number,
    _cut_off,
    _leave_out,
    _repeat,
    _move,
    _graft,
)


def _with_right_checksums(png: bytearray) -> bytearray:
    place = len(SIGNATURE)
    while place + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, place)
        end = place + 8 + length
        if end + 4 > len(png):
            break
        struct.pack_into(">I", png, end, zlib.crc32(png[place + 4 : end]))
        place = end + 4
    return png

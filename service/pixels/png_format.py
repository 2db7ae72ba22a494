"""What PNG is made of: a signature, and chunks. Source: PNG, third edition, W3C 2025."""

import struct
from collections.abc import Sequence

from isal import isal_zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
"""Colour types."""


def chunk(kind: bytes, content: bytes) -> bytes:
    return b"".join(chunk_in_pieces(kind, [content]))


def chunk_in_pieces(kind: bytes, content: Sequence[bytes]) -> list[bytes]:
    """Of content in pieces, for whoever puts all together at once: what is large is copied with Python's lock held."""
    length, said = 0, isal_zlib.crc32(kind)
    for piece in content:
        length, said = length + len(piece), isal_zlib.crc32(piece, said)
    return [struct.pack(">I", length), kind, *content, struct.pack(">I", said)]


def checksum(kind: bytes, content: bytes | memoryview) -> int:
    """CRC-32 of both."""
    return isal_zlib.crc32(content, isal_zlib.crc32(kind))

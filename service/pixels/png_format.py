"""What PNG is made of: a signature, and chunks. Source: PNG, third edition, W3C 2025."""

import struct

from isal import isal_zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
"""Colour types."""


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum(kind, content))


def checksum(kind: bytes, content: bytes | memoryview) -> int:
    """CRC-32 of both."""
    return isal_zlib.crc32(content, isal_zlib.crc32(kind))

"""What an extended WebP file says of itself in its first chunk, VP8X. RFC 9649, section 2.7.

libwebp says that an animation has no alpha where all that changes from frame to frame is opaque, though what lies
around is clear: a screen or a card that was cut out. Chromium shows it so; Pillow 13 goes by the word and drops the
alpha (`findings/pillow_webp_film_turns_black.sh`).
"""

FLAGS_AT = 20
"""The byte of the features: behind RIFF, its size, WEBP, and VP8X and its size, four bytes each."""
ANIMATION, ALPHA = 0x02, 0x10


def is_animation(encoded: bytes) -> bool:
    return encoded[12:16] == b"VP8X" and len(encoded) > FLAGS_AT and bool(encoded[FLAGS_AT] & ANIMATION)


def with_alpha(head: bytes) -> bytes:
    """`head` begins a file of several features; it is a whole file or the beginning of one."""
    return head[:FLAGS_AT] + bytes([head[FLAGS_AT] | ALPHA]) + head[FLAGS_AT + 1 :]

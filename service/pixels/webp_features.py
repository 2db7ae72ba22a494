"""What an extended WebP file says of itself in its first chunk, VP8X, and of its frames. RFC 9649, section 2.7.

libwebp says that an animation has no alpha where all that changes from frame to frame is opaque, though what lies
around is clear: a screen or a card that was cut out. Chromium shows it so; Pillow 13 goes by the word and drops the
alpha (`findings/pillow_webp_film_turns_black.sh`).
"""

import struct
from collections.abc import Iterator

from service.models.labels import Size

FLAGS_AT = 20
"""The byte of the features: behind RIFF, its size, WEBP, and VP8X and its size, four bytes each."""
ANIMATION, ALPHA = 0x02, 0x10
WHITE_FOR_EVER = b"\xff\xff\xff\xff\0\0"
"""An ANIM chunk: the background that viewers may show, and how often it is played."""
PLACE_BYTES, DURATION_BYTES, MAX_DURATION_MS = 12, 3, (1 << 24) - 1
"""At the beginning of an ANMF chunk; behind them a byte of flags, and the chunks of a picture."""
PICTURE = (b"ALPH", b"VP8 ", b"VP8L")


def is_animation(encoded: bytes) -> bool:
    return encoded[12:16] == b"VP8X" and len(encoded) > FLAGS_AT and bool(encoded[FLAGS_AT] & ANIMATION)


def with_alpha(head: bytes) -> bytes:
    """`head` begins a file of several features; it is a whole file or the beginning of one."""
    return head[:FLAGS_AT] + bytes([head[FLAGS_AT] | ALPHA]) + head[FLAGS_AT + 1 :]


def lasting(film: bytes, size: Size, duration_ms: int) -> bytes:
    """A film of a single frame, or the still picture that libwebp makes where all frames are alike, as a film of one
    frame that lasts so long, which libwebp forgets. A film of more frames as it is."""
    chunks = list(_chunks(film))
    frames = [content for kind, content in chunks if kind == b"ANMF"]
    if len(frames) > 1 or not chunks:
        return film
    sides = _three_bytes(size.width - 1) + _three_bytes(size.height - 1)
    if frames:
        place, picture = frames[0][:PLACE_BYTES], frames[0][PLACE_BYTES + DURATION_BYTES :]
    else:
        picture = b"\0" + b"".join(_chunk(kind, content) for kind, content in chunks if kind in PICTURE)
        place = bytes(6) + sides
    flags = ANIMATION | (film[FLAGS_AT] if chunks[0][0] == b"VP8X" else 0)
    frame = place + _three_bytes(min(duration_ms, MAX_DURATION_MS)) + picture
    features = _chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)
    return _chunk(b"RIFF", b"WEBP" + features + _chunk(b"ANIM", WHITE_FOR_EVER) + _chunk(b"ANMF", frame))


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(encoded):
        kind, length = struct.unpack_from("<4sI", encoded, place)
        yield kind, encoded[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(content)) + content + bytes(len(content) % 2)


def _three_bytes(number: int) -> bytes:
    return number.to_bytes(3, "little")

"""The segments of a JPEG before its pixels. Knows nothing of how they are decoded.

Pillow has no need of metadata to decode, so it gets none: what cannot be read there cannot cost the picture.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from service.errors import TruncatedImage, UndecodableImage, UnsupportedImage

START, END = b"\xff\xd8", b"\xff\xd9"
END_OF_IMAGE, START_OF_SCAN, COMMENT = 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
UNREAD_FRAMES = {
    **dict.fromkeys((0xC3, 0xCB), "a lossless JPEG"),
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE), "a hierarchical JPEG"),
    0xF7: "a JPEG-LS",
}
READ_COMPONENTS = (1, 3, 4)

MAX_SEGMENTS = 20_000
MAX_SCANS = 40
"""Each passes over every block again: of 64 megapixels, one that says nothing takes 70 ms. Encoders write some 10."""

EXIF, ICC = b"Exif\0\0", b"ICC_PROFILE\0"
MARKER_IN_PIXELS = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True)
class Jpeg:
    """A JPEG without its metadata, and the two pieces of it that count."""

    decodable: bytes
    exif: bytes | None
    profile: bytes | None


class Segment(NamedTuple):
    """From a marker to the next."""

    marker: int
    content: bytes
    start: int
    end: int


def read_segments(encoded: bytes) -> Jpeg:
    """Raises UnsupportedImage for a kind of JPEG that is not decoded, UndecodableImage where there are no pixels."""
    kept, exif = [START], None
    profiles: dict[bytes, bytes] = {}
    for segment in _walk(encoded):
        if segment.marker in FRAMES or segment.marker in UNREAD_FRAMES:
            _check_frame(segment)
        if segment.marker == START_OF_SCAN:
            _check_scans(encoded, segment.start)
            kept.append(encoded[segment.start :])
        elif segment.marker == APP1 and segment.content.startswith(EXIF):
            exif = exif or segment.content
        elif segment.marker == APP2 and segment.content.startswith(ICC):
            profiles.setdefault(segment.content[12:13], segment.content[14:])
        elif segment.marker in (APP0, APP14) or not (APP0 <= segment.marker <= APP15 or segment.marker == COMMENT):
            kept.append(encoded[segment.start : segment.end])
    profile = b"".join(profiles[number] for number in sorted(profiles))
    return Jpeg(b"".join(kept), exif, profile or None)


def _walk(encoded: bytes) -> Iterator[Segment]:
    """Up to the first scan, which is the last one given. Raises TruncatedImage where there is none."""
    place = len(START)
    for _ in range(MAX_SEGMENTS):
        start = encoded.find(b"\xff", place)
        if start < 0 or start + 4 > len(encoded):
            break
        marker = encoded[start + 1]
        if marker in (0, 0xFF) or marker in STANDALONE:  # fill bytes and strays, which decoders pass over
            place = start + (1 if marker == 0xFF else 2)
            continue
        if marker == END_OF_IMAGE:
            break
        place = start + 2 + max(2, int.from_bytes(encoded[start + 2 : start + 4], "big"))
        yield Segment(marker, encoded[start + 4 : place], start, place)
        if marker == START_OF_SCAN:
            return
    raise TruncatedImage("a JPEG without pixels")


def _check_frame(segment: Segment) -> None:
    if segment.marker in UNREAD_FRAMES:
        raise UnsupportedImage(f"this is {UNREAD_FRAMES[segment.marker]}, which is not read")
    if len(segment.content) < 6:
        raise UndecodableImage("a JPEG whose header is damaged")
    bits, components = segment.content[0], segment.content[5]
    if bits != 8:
        raise UnsupportedImage(f"this is a JPEG of {bits} bits a sample, and 8 are read")
    if components not in READ_COMPONENTS:
        raise UnsupportedImage(f"this is a JPEG of {components} components, and 1, 3 or 4 are read")
    if segment.content[1:3] == b"\0\0":
        raise UnsupportedImage("this is a JPEG that tells its height behind its pixels, which is not read")


def _check_scans(encoded: bytes, start: int) -> None:
    """Raises UndecodableImage where there are so many that decoding would take minutes."""
    if encoded.count(b"\xff\xda", start) <= MAX_SCANS:  # most often a dozen: no need to look closer
        return
    scans, place = 0, start
    while (found := MARKER_IN_PIXELS.search(encoded, place)) and found[1] != b"\xd9":
        scans += found[1] == b"\xda"
        if scans > MAX_SCANS:
            raise UndecodableImage(f"a JPEG of more than {MAX_SCANS} scans")
        place = found.end() + int.from_bytes(encoded[found.end() : found.end() + 2], "big")

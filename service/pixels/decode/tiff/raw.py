"""Tells camera raw from pictures: most raw files are TIFFs whose first page is a small preview."""

from collections.abc import Sequence

from service.pixels.decode.tiff.directories import Directory, Tag, is_reduced, sub_directories

SENSOR_PHOTOMETRICS = frozenset((32803, 34892))
"""A colour filter array, and what is made of one: TIFF/EP, DNG."""
SENSOR_COMPRESSIONS = frozenset((32767, 32769, 32770, 34713, 65535))
"""Of Sony, Epson, Samsung, Nikon and Pentax."""
MAKERS = {
    "NIKON": "Nikon NEF",
    "SONY": "Sony ARW",
    "CANON": "Canon CR2",
    "PENTAX": "Pentax PEF",
    "RICOH": "Pentax PEF",
    "SAMSUNG": "Samsung SRW",
    "HASSELBLAD": "Hasselblad 3FR",
    "PHASE ONE": "Phase One IIQ",
    "LEAF": "Leaf MOS",
    "EPSON": "Epson ERF",
    "EASTMAN KODAK": "Kodak DCR",
    "KODAK": "Kodak DCR",
    "MAMIYA": "Mamiya MEF",
    "OLYMPUS": "Olympus ORF",
    "LEICA": "Leica RWL",
    "PANASONIC": "Panasonic RW2",
}
"""By how the maker's name begins."""
CR2 = b"CR\x02"
MAX_LOOKED_AT = 8
"""Pages."""


def camera_raw(encoded: bytes, pages: Sequence[Directory]) -> str | None:
    """`camera raw (Nikon NEF)`; None where it is a picture like others."""
    if encoded[8:11] == CR2:
        return "camera raw (Canon CR2)"
    if any(Tag.DNG_VERSION in page.entries for page in pages):
        return "camera raw (DNG)"
    maker = next((_maker(page) for page in pages if Tag.MAKE in page.entries), "").upper()
    name = next((name for begin, name in MAKERS.items() if maker.startswith(begin)), None)
    looked_at = [each for page in pages[:MAX_LOOKED_AT] for each in (page, *sub_directories(page))]
    is_preview = len(pages) == 1 and is_reduced(pages[0]) and len(looked_at) > 1
    if any(map(_is_of_a_sensor, looked_at)) or (name and is_preview):
        return f"camera raw ({name or 'TIFF/EP'})"
    return None


def _is_of_a_sensor(page: Directory) -> bool:
    return page.value(Tag.PHOTOMETRIC) in SENSOR_PHOTOMETRICS or page.value(Tag.COMPRESSION) in SENSOR_COMPRESSIONS


def _maker(page: Directory) -> str:
    return bytes(page.values(Tag.MAKE)).split(b"\0")[0].decode("ascii", "ignore").strip()

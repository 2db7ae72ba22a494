"""Files that are not read, told by their first bytes, so that an error can call them by their name."""

import re

MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"FUJIFILMCCD-RAW", "camera raw (Fujifilm RAF)"),
    (0, b"IIRO", "camera raw (Olympus ORF)"),
    (0, b"IIRS", "camera raw (Olympus ORF)"),
    (0, b"MMOR", "camera raw (Olympus ORF)"),
    (0, b"IIU\0", "camera raw (Panasonic RW2)"),
    (0, b"\0MRM", "camera raw (Minolta MRW)"),
    (0, b"FOVb", "camera raw (Sigma X3F)"),
    (6, b"HEAPCCDR", "camera raw (Canon CRW)"),
    (12, b"CgBI", "a PNG in Apple's own form for apps (CgBI)"),
    (0, b"8BPS", "a Photoshop document (PSD)"),
    (0, b"gimp xcf", "a GIMP document (XCF)"),
    (0, b"%PDF", "a PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (0, b"\0\0\1\0", "an icon (ICO)"),
    (0, b"\0\0\2\0\0\0", "a Targa picture (TGA)"),
    (0, b"\0\0\x0a\0\0\0", "a Targa picture (TGA)"),
    (0, b"\0\0\2\0", "a cursor (CUR)"),
    (0, b"icns", "an icon (ICNS)"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"DDS ", "a texture (DDS)"),
    (0, b"qoif", "QOI"),
    (0, b"SIMPLE  =", "FITS"),
    (128, b"DICM", "DICOM"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile (WMF)"),
    (40, b" EMF", "a Windows metafile (EMF)"),
    (0, b"\x1a\x45\xdf\xa3", "a video (Matroska or WebM)"),
    (0, b"FLV\x01", "a video (FLV)"),
    (0, b"\0\0\1\xba", "a video (MPEG)"),
    (0, b"OggS", "Ogg"),
    (0, b"ID3", "MP3"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"data:", "a data URL, and not the bytes in it"),
    (0, b"/9j/", "base64 text, and not the bytes in it"),
    (0, b"iVBORw0KGgo", "base64 text, and not the bytes in it"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, and not the file"),
)
"""(where, what, the name)."""

RIFF = {b"AVI ": "a video (AVI)", b"WAVE": "WAV"}
NETPBM = re.compile(rb"P[1-7Ff]\s")
MARKUP = re.compile(rb"\s*<", re.ASCII)

BRANDS = {
    b"crx ": "camera raw (Canon CR3)",
    b"qt  ": "a video (QuickTime)",
    **dict.fromkeys((b"isom", b"iso2", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash"), "a video (MP4)"),
    b"3gp4": "a video (3GP)",
    b"3gp5": "a video (3GP)",
    b"M4A ": "M4A",
}
"""Of ISO base media files, by their major brand."""

TEXT_BYTES = 1024
"""So far into a text the first tag of a web page or an SVG is looked for."""


def name_of_stranger(encoded: bytes) -> str | None:
    """None where it may be a picture that is read, or is nothing that has a name here."""
    if not encoded:
        return "an empty file"
    for start, magic, name in MAGIC:
        if encoded.startswith(magic, start):
            return name
    if encoded[:4] == b"RIFF":
        return RIFF.get(encoded[8:12])
    if encoded[4:8] == b"ftyp":
        return BRANDS.get(encoded[8:12])
    if NETPBM.match(encoded):
        return "Netpbm (PPM)"
    return _markup(encoded[:TEXT_BYTES]) if MARKUP.match(encoded.removeprefix(b"\xef\xbb\xbf")) else None


def _markup(text: bytes) -> str:
    lower = text.lower()
    if b"<svg" in lower:
        return "SVG"
    return "a web page (HTML)" if b"<html" in lower or b"<!doctype html" in lower else "XML"

#!/bin/sh
# Pillow 13.0.0: the transparent grey level of a PNG of 2 or 4 bits is compared with levels that were scaled to 8 bits.
# A 4-bit grey PNG whose tRNS names level 5 is opaque when converted to RGBA: its pixels were read as 85 (5 * 17), the key
# stayed 5. The PNG specification (tRNS) compares samples as they are stored; browsers show those pixels as transparent.
# Seen: alpha [255, 255, 255, 255] for the levels 4, 5, 6, 7; right: [255, 0, 255, 255].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io, struct, sys, zlib
from PIL import Image

def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, 4, 0, 0, 0, 0)) + chunk(b"tRNS", struct.pack(">H", 5))
png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\x45\x67")) + chunk(b"IEND", b"")
alpha = list(Image.open(io.BytesIO(png)).convert("RGBA").getchannel("A").tobytes())
print("alpha of the levels 4, 5, 6, 7:", alpha)
sys.exit(0 if alpha == [255, 255, 255, 255] else 1)
PYTHON

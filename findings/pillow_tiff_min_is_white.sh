#!/bin/sh
# Pillow 13.0.0: a TIFF that says that 0 is white (PhotometricInterpretation 0) is turned round at 8 bits, not at 16.
# The same two pixels, stored white then black, are [255, 0] at 8 bits and [0, 65535] at 16: a negative.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io, struct, sys
from PIL import Image

def tiff(bits, stored):
    entries = [(256, 2), (257, 1), (258, bits), (259, 1), (262, 0), (273, 8), (277, 1), (278, 1), (279, len(stored))]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<I", 8 + len(stored)) + stored + directory + bytes(4)

eight, sixteen = (Image.open(io.BytesIO(tiff(*each))) for each in ((8, b"\0\xff"), (16, b"\0\0\xff\xff")))
read = [[image.getpixel((x, 0)) for x in (0, 1)] for image in (eight, sixteen)]
print("white, black at 8 bits and at 16:", read)
sys.exit(0 if read == [[255, 0], [0, 65535]] else 1)
PYTHON

#!/bin/sh
# Pillow 13.0.0: saved as PNG or GIF, a palette picture keeps only as many bits of each pixel as its palette has entries for.
# A label map whose palette names its three classes, as putpalette() takes them, keeps two bits: 255, which stands for void in
# VOC, ADE20K and Cityscapes and needs no colour, comes back as class 3, and with two classes as class 1. In memory it still
# is 255, and BMP and TIFF keep it. Nothing is raised; a palette of 256 entries keeps every id.
# Seen, of the ids 0, 1, 2, 255 with three colours: PNG and GIF [0, 1, 2, 3], BMP and TIFF [0, 1, 2, 255].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io, sys
from PIL import Image

IDS, COLOURS = [0, 1, 2, 255], [0, 0, 0, 128, 0, 0, 0, 128, 0]

def back(format_, colours):
    labels = Image.frombytes("P", (4, 1), bytes(IDS))
    labels.putpalette(colours)
    file = io.BytesIO()
    labels.save(file, format_)
    return list(Image.open(io.BytesIO(file.getvalue())).tobytes())

seen = {format_: back(format_, COLOURS) for format_ in ("PNG", "GIF", "BMP", "TIFF")}
whole = back("PNG", COLOURS + [0] * (768 - len(COLOURS)))
for format_, ids in seen.items():
    print(f"{format_}: {ids}")
print(f"PNG, 256 entries: {whole}")
cut = [0, 1, 2, 3]
sys.exit(0 if list(seen.values()) == [cut, cut, IDS, IDS] and whole == IDS else 1)
PYTHON

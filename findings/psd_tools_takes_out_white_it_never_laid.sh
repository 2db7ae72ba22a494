#!/bin/sh
# psd-tools 1.26.0 (Pillow 13.0.0): a cutout does not survive PSDImage.frompil, save and topil. Photoshop blends the merged picture
# of a file with white where it is transparent, so topil() and composite() take white out again; frompil() does not lay it in.
# Half transparent colours come back with white taken out that never was there, down to black: the edges of hair turn dark.
# Alpha stays, and so do the colours of pixels that are whole, so that the subject looks right.
# Seen of (200, 100, 50) at alpha 128: [145, 0, 0, 128]; the same file, read as it is stored, [200, 100, 50, 128].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check psd-tools==1.26.0 pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io, sys
from PIL import Image
from psd_tools import PSDImage

def back(alpha):
    file = io.BytesIO()
    PSDImage.frompil(Image.new("RGBA", (8, 8), (200, 100, 50, alpha))).save(file)
    psd = PSDImage.open(io.BytesIO(file.getvalue()))
    readings = (psd.topil(), psd.composite(), Image.open(io.BytesIO(file.getvalue())))
    return [list(picture.getpixel((4, 4))) for picture in readings]

whole, half = back(255), back(128)
for name, (topil, composite, stored) in (("alpha 255", whole), ("alpha 128", half)):
    print(f"{name}: topil {topil}, composite {composite}, stored {stored}")
taken_out = [145, 0, 0, 128]
sys.exit(0 if whole == [[200, 100, 50, 255]] * 3 and half == [taken_out, taken_out, [200, 100, 50, 128]] else 1)
PYTHON

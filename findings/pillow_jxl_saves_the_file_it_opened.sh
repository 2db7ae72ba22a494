#!/bin/sh
# pillow-jxl-plugin 1.3.8 (Pillow 13.0.0): a picture that was opened from a JPEG file and then changed in place is saved as JPEG
# XL without the change. What is written is the JPEG file that still lies on the disk, packed losslessly: a cutout made by
# putalpha() comes back opaque, with its background. A warning speaks of "JPEG reconstruction", not of lost changes.
# The same picture as WebP has them, and as JPEG XL with lossless_jpeg=False, or of a copy(), too.
# Seen: mode RGB, the red of the file; right: mode RGBA, alpha 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 pillow-jxl-plugin==1.3.8
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
import pillow_jxl  # registers the format
from PIL import Image

Image.new("RGB", (32, 32), (200, 30, 30)).save("photo.jpg")


def cutout():
    photo = Image.open("photo.jpg")
    photo.putalpha(0)
    return photo


cutout().save("default.jxl")
cutout().save("pixels.jxl", lossless_jpeg=False)
cutout().copy().save("copy.jxl")
cutout().save("cutout.webp", lossless=True)
modes = {name: Image.open(name).mode for name in ("default.jxl", "pixels.jxl", "copy.jxl", "cutout.webp")}
print(modes)
lost = modes.pop("default.jxl") == "RGB"
sys.exit(0 if lost and set(modes.values()) == {"RGBA"} else 1)
PYTHON

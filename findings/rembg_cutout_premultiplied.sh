#!/bin/sh
# rembg 2.0.86: the colours of its default cutout are multiplied by alpha, though PNG's alpha is straight. A pixel of colour
# (200, 100, 50) that is half subject is written as (100, 50, 25) with alpha 128, so soft edges are dark on any ground; with
# bgcolor they are multiplied twice. Asked with putalpha (over HTTP: extras={"putalpha": true}), the colour stays.
# Seen at alpha 128: [100, 50, 25, 128]; with putalpha [200, 100, 50, 128]; on white [177, 152, 140, 255], right: 227, 177, 152.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "rembg[cpu]==2.0.86" pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import numpy as np
from PIL import Image
from rembg import remove


class KnownMask:
    """Instead of a network: the row is the alpha."""

    def predict(self, photo, *args, **kwargs):
        return [Image.linear_gradient("L").resize(photo.size)]


def at_128(**options):
    photo = Image.new("RGB", (256, 256), (200, 100, 50))
    return np.asarray(remove(photo, session=KnownMask(), **options))[128, 10].tolist()


default, putalpha, on_white = at_128(), at_128(putalpha=True), at_128(bgcolor=(255, 255, 255, 255))
print("default:", default, "putalpha:", putalpha, "on white:", on_white)
multiplied = default == [100, 50, 25, 128] and on_white == [177, 152, 140, 255]
sys.exit(0 if multiplied and putalpha == [200, 100, 50, 128] else 1)
PYTHON

#!/bin/sh
# opencv-python-headless 5.0.0.93 (Pillow 13.0.0): imread multiplies the colours of a TIFF by alpha, and of no other format,
# and not where it wrote the TIFF itself: imwrite leaves out the tag that names the fourth channel (ExtraSamples).
# A cutout comes in darker at its edges, as dark as alpha, with nothing that says so; blended by alpha as a PNG is, it is
# multiplied twice. IMREAD_COLOR, which drops alpha, gives the multiplied colours too.
# Seen of a pixel (200, 100, 50), alpha 128, as BGRA: PNG, WebP and OpenCV's own TIFF [50, 100, 200, 128]; Pillow's TIFF, whose
# tag says that colours are not multiplied, [25, 50, 100, 128]; with IMREAD_COLOR [25, 50, 100].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 "numpy>=2,<3"
"$folder/venv/bin/python" - <<'PYTHON'
import io, sys
import cv2, numpy as np
from PIL import Image

NOT_MULTIPLIED = (2,)  # TIFF 6.0, ExtraSamples: unassociated alpha
cutout = Image.new("RGBA", (16, 16), (200, 100, 50, 128))

def by_pillow(format_, **options):
    file = io.BytesIO()
    cutout.save(file, format_, **options)
    return file.getvalue()

def read(encoded, flag=cv2.IMREAD_UNCHANGED):
    return cv2.imdecode(np.frombuffer(encoded, np.uint8), flag)[8, 8].tolist()

tiff = by_pillow("TIFF")
own = cv2.imencode(".tiff", cv2.cvtColor(np.asarray(cutout), cv2.COLOR_RGBA2BGRA))[1].tobytes()
seen = {
    "PNG": read(by_pillow("PNG")),
    "WebP": read(by_pillow("WEBP", lossless=True)),
    "OpenCV's TIFF": read(own),
    "Pillow's TIFF": read(tiff),
    "Pillow's TIFF, IMREAD_COLOR": read(tiff, cv2.IMREAD_COLOR),
}
for name, pixel in seen.items():
    print(f"{name}: {pixel}")
tags = [Image.open(io.BytesIO(encoded)).tag_v2.get(338) for encoded in (tiff, own)]
print("ExtraSamples:", *tags)
straight = [50, 100, 200, 128]
expected = [straight, straight, straight, [25, 50, 100, 128], [25, 50, 100]]
sys.exit(0 if list(seen.values()) == expected and tags == [NOT_MULTIPLIED, None] else 1)
PYTHON

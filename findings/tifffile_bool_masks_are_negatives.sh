#!/bin/sh
# tifffile 2026.3.3 (Pillow 13.0.0, opencv-python-headless 5.0.0.93): a mask of bools becomes a negative for everybody else.
# imwrite() stores True as the bit 1, and says, where it is told nothing, that 0 is white (PhotometricInterpretation 0), which
# it says of no other type. Its own imread() never asks that tag, so that a look at the file with tifffile shows nothing wrong.
# Seen, of [True, False, False]: tifffile [True, False, False]; Pillow and OpenCV [False, True, True].
# The same mask as uint8, or with photometric="minisblack", is the mask to all three.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    tifffile==2026.3.3 pillow==13.0.0 opencv-python-headless==5.0.0.93 "numpy>=2,<3"
"$folder/venv/bin/python" - <<'PYTHON'
import io, sys
import cv2, numpy as np, tifffile
from PIL import Image

mask = np.array([[True, False, False]])

def readings(written, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, written, **options)
    encoded = file.getvalue()
    return (
        tifffile.imread(io.BytesIO(encoded)).astype(bool).ravel().tolist(),
        np.asarray(Image.open(io.BytesIO(encoded))).astype(bool).ravel().tolist(),
        cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED).astype(bool).ravel().tolist(),
    )

bools, told, bytes_ = readings(mask), readings(mask, photometric="minisblack"), readings(mask.astype(np.uint8) * 255)
for name, read in (("bool", bools), ("bool, minisblack", told), ("uint8", bytes_)):
    print(f"{name}: tifffile {read[0]}, Pillow {read[1]}, OpenCV {read[2]}")
same, other = [True, False, False], [False, True, True]
sys.exit(0 if bools == (same, other, other) and told == bytes_ == (same, same, same) else 1)
PYTHON

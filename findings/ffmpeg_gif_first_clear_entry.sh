#!/bin/sh
# FFmpeg's GIF encoder has one transparent entry a palette: the first clear one, used or not. Others come out opaque.
#
# Versions: PyAV 18.1.0 (FFmpeg 8.1.2), numpy 2, Pillow 12; Python 3.11.
# Behaviour: of a pal8 frame whose palette has alpha 0 in entries 1 (used by no pixel) and 255 (used by half of the
#            picture), the GIF has entry 1 as the transparent one, and the half that was clear is opaque black.
#            A palette that is filled up with zeros, as arrays are, loses its transparency in this way.
# Output seen:
#     clear entries 1 and 255: alpha of a pixel of entry 255 is 255
#     clear entry 255 alone:   alpha of a pixel of entry 255 is 0
# Exits non-zero when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check av==18.1.0 "numpy>=2,<3" "pillow>=12,<13"
"$folder/venv/bin/python" - "$folder/film.gif" <<'PYTHON'
import sys

import av
import numpy as np
from PIL import Image

path = sys.argv[1]


def alpha_of_255(clear):
    indices = np.zeros((64, 64), np.uint8)
    indices[:, 32:] = 255
    palette = np.full((256, 4), 255, np.uint8)  # ARGB
    palette[0] = (255, 200, 0, 0)
    palette[clear] = 0
    with av.open(path, "w") as out:
        stream = out.add_stream("gif", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "pal8"
        frame = av.VideoFrame.from_ndarray((indices, palette), "pal8")
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return Image.open(path).convert("RGBA").getpixel((50, 10))[3]


both, alone = alpha_of_255([1, 255]), alpha_of_255([255])
print(f"clear entries 1 and 255: alpha of a pixel of entry 255 is {both}")
print(f"clear entry 255 alone:   alpha of a pixel of entry 255 is {alone}")
sys.exit(0 if (both, alone) == (255, 0) else 1)
PYTHON

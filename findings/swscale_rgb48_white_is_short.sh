#!/bin/sh
# From limited-range YUV, libswscale makes RGB of 16 bits a channel whose white is 255/256 of what it should be.
#
# Versions: PyAV 18.1.0 (FFmpeg 8.1.2's libswscale 9.5.102), numpy 2; Python 3.11.
# Behaviour: a 10 bit frame whose luma is 940, which is white, converted to rgb48le and full range, is 65283 of 65535;
#            rgb24 of the same frame is 255, as it should be. Every level between is short in proportion, so HDR (PQ)
#            that goes on from there to light is darker than it was filmed.
# Output seen:
#     rgb24   white 255 of 255
#     rgb48le white 65283 of 65535
#     0.99615 of the signal
# Exits non-zero when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check av==18.1.0 "numpy>=2,<3"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import av
import numpy as np

frame = av.VideoFrame(64, 64, "yuv444p10le")
for plane, level in zip(frame.planes, (940, 512, 512)):
    np.frombuffer(memoryview(plane), "<u2")[:] = level

def white(format_):
    told = {"src_colorspace": 9, "src_color_range": 1, "dst_color_range": 2}
    return int(frame.reformat(format=format_, **told).to_ndarray()[32, 32, 0])

eight, sixteen = white("rgb24"), white("rgb48le")
print(f"rgb24   white {eight} of 255")
print(f"rgb48le white {sixteen} of 65535")
print(f"{sixteen / 65535:.5f} of the signal")
sys.exit(0 if eight == 255 and 65270 <= sixteen <= 65290 else 1)
PYTHON

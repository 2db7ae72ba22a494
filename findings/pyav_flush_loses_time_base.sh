#!/bin/sh
# Frames that PyAV's decoder gives at the end, when it is flushed with None, have times but no time base.
#
# Versions: PyAV 18.1.0 (FFmpeg 8.1.2), numpy 2; Python 3.11.
# Behaviour: with frame threads, a decoder keeps the last frames until it is flushed. stream.decode(None) gives them
#            with pts as they should be and time_base None, so frame.time is None as well, and whoever computes
#            pts * time_base stumbles over the last frames of every film only. Flushed with the empty packet that
#            container.demux ends with, the same frames have both.
# Output seen:
#     flushed with None:          [(0, True), ... (n, False)]: the last ones without a time base
#     flushed with demux's packet: all with a time base
# Exits non-zero when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check av==18.1.0 "numpy>=2,<3"
"$folder/venv/bin/python" - "$folder/film.mkv" <<'PYTHON'
import sys

import av
import numpy as np

path = sys.argv[1]
with av.open(path, "w") as out:
    stream = out.add_stream("ffv1", rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for level in range(7):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), level * 30, np.uint8), "rgb24")
        frame.pts = level
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def known(with_none):
    """Whether each frame has a time base."""
    with av.open(path) as film:
        stream = film.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "FRAME", 4
        found = []
        for packet in film.demux(stream):
            frames = stream.decode(None if with_none and not packet.size else packet)
            found += [(frame.pts, frame.time_base is not None) for frame in frames]
        return found


none, empty = known(True), known(False)
print("flushed with None:           ", none)
print("flushed with demux's packet: ", empty)
sys.exit(0 if all(has for _, has in empty) and not all(has for _, has in none) else 1)
PYTHON

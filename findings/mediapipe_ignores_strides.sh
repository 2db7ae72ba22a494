#!/bin/sh
# mediapipe 1.2.3 (numpy 2.4.6): mp.Image takes a view of an array, and copies the memory behind it as if the view were the whole.
# frame[..., ::-1], which everybody writes to make OpenCV's BGR into RGB, is not RGB but BGR that begins two bytes later, so
# each pixel has the red of its own, and the green and blue of its neighbour, the wrong way round; a face cut out by slicing is
# sheared into stripes of the photo around it. Shape and numpy_view() look right, and the segmenter answers for that picture.
# 0.10.9 refused views (TypeError, issue 5251 of its tracker); now the data go through ctypes, and nothing asks for the strides.
# np.ascontiguousarray() before it helps.
# Seen, of the second pixel: as BGR (3, 4, 5), so RGB (5, 4, 3), mediapipe has (5, 6, 7); of a crop the second row is of elsewhere.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mediapipe==1.2.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import mediapipe as mp
import numpy as np

video = np.arange(72, dtype=np.uint8).reshape(6, 4, 3)
frame = video[:4]  # of six rows, so that what is read too far is still of the array

def seen(view):
    image = mp.Image(image_format=mp.ImageFormat.SRGB, data=view)
    return image.numpy_view().copy()

rgb, crop, whole = frame[..., ::-1], frame[1:3, 1:3], np.ascontiguousarray(frame[..., ::-1])
print("BGR to RGB:", rgb[0, 1].tolist(), "seen as", seen(rgb)[0, 1].tolist())
print("crop, second row:", crop[1, 0].tolist(), "seen as", seen(crop)[1, 0].tolist())
print("made contiguous:", whole[0, 1].tolist(), "seen as", seen(whole)[0, 1].tolist())
shifted = seen(rgb)[0, 1].tolist() == [5, 6, 7] and seen(crop)[1, 0].tolist() == [21, 22, 23]
sys.exit(0 if shifted and np.array_equal(seen(whole), whole) else 1)
PYTHON

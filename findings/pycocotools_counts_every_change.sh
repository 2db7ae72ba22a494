#!/bin/sh
# pycocotools 2.0.11, faster-coco-eval 1.8.0: mask.encode counts where a value changes, not where it becomes zero. A uint8 mask
# of more than two values is taken without a word, and each further value counts as background where it follows another:
# two overlapping masks that were added up lose their overlap, and an edge of soft levels becomes stripes. 0 and 255 do go well.
# Seen: a union of 10 pixels, of which 2 are counted twice, has the area 8; the levels 0 255 254 255 128 0 come back as
# 0 1 0 1 0 1, so that the zero at the end is subject.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pycocotools==2.0.11 faster-coco-eval==1.8.0 "numpy>=2,<3"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import faster_coco_eval.core.mask, numpy as np, pycocotools.mask

first, second = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
first[0:3, 0:2] = second[1:4, 1:3] = 1
union = first + second
levels = np.array([[0, 255, 254, 255, 128, 0]], np.uint8)
seen = []
for module in (pycocotools.mask, faster_coco_eval.core.mask):
    area = int(module.area(module.encode(np.asfortranarray(union))))
    decoded = module.decode(module.encode(np.asfortranarray(levels))).ravel().tolist()
    print(f"{module.__name__}: area {area} of {np.count_nonzero(union)}; {levels.ravel().tolist()} is {decoded}")
    seen.append((area, decoded))
sys.exit(0 if np.count_nonzero(union) == 10 and seen == [(8, [0, 1, 0, 1, 0, 1])] * 2 else 1)
PYTHON

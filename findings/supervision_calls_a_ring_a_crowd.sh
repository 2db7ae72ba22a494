#!/bin/sh
# supervision 0.31.2 (pycocotools 2.0.11): DetectionDataset.as_coco marks every object that has a hole, or that something in front
# cuts into two parts, as a crowd (iscrowd 1): a ring, a chair, a person with a hand on the hip. COCO's evaluation leaves crowds
# out, and so do loaders such as mmdetection's, without a word. The page of as_coco calls the run lengths, which such a mask gets, a matter
# of storage. Told data={"iscrowd": [0]}, it writes a polygon, and the hole is filled; so iscrowd is to be mended in the file.
# Seen: a ring has iscrowd 1, and an answer that is that very ring the AP -1, "nothing to find"; told 0, .4; mended in the
# file, 1.0, as a disc has at once.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check supervision==0.31.2 pycocotools==2.0.11 \
    opencv-python-headless==5.0.0.93 "numpy>=2,<3"
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import contextlib, io, json, os, sys
import cv2, numpy as np, supervision
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

folder = sys.argv[1]
photo, truth, answer = (os.path.join(folder, name) for name in ("photo.png", "truth.json", "answer.json"))
cv2.imwrite(photo, np.zeros((200, 200, 3), np.uint8))
y, x = np.mgrid[:200, :200]
disc = np.hypot(y - 100, x - 100) < 70
ring = disc & (np.hypot(y - 100, x - 100) > 40)

def exported(mask, data):
    found = supervision.Detections(
        xyxy=supervision.mask_to_xyxy(mask[None]), mask=mask[None], class_id=np.array([0]), data=data
    )
    dataset = supervision.DetectionDataset(classes=["thing"], images=[photo], annotations={photo: found})
    dataset.as_coco(annotations_path=truth)
    with open(truth) as file:
        return json.load(file)

def mended(wanted):
    wanted["annotations"][0]["iscrowd"] = 0
    with open(truth, "w") as file:
        json.dump(wanted, file)
    return wanted

def precision_of_the_same(mask, wanted):
    """AP of an answer that is the mask itself."""
    rle = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
    (image,), (category,) = wanted["images"], wanted["categories"]
    same = {
        "image_id": image["id"], "category_id": category["id"], "score": 0.9,
        "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
    }
    with open(answer, "w") as file:
        json.dump([same], file)
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(truth)
        evaluation = COCOeval(known, known.loadRes(answer), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])

told = {"iscrowd": np.array([0])}
seen = {}
for name, mask, data, mend in (
    ("disc", disc, {}, False), ("ring", ring, {}, False), ("ring, told 0", ring, told, False), ("ring, mended", ring, {}, True)
):
    wanted = exported(mask, data)
    crowd = wanted["annotations"][0]["iscrowd"]
    seen[name] = crowd, round(precision_of_the_same(mask, mended(wanted) if mend else wanted), 6)
    print(f"{name}: iscrowd {crowd}, AP of the same mask {seen[name][1]}")
expected = {"disc": (0, 1.0), "ring": (1, -1.0), "ring, told 0": (0, 0.4), "ring, mended": (1, 1.0)}
sys.exit(0 if seen == expected else 1)
PYTHON

#!/bin/sh
# label-studio-sdk 2.1.2 (opencv-python-headless 4.12.0.88): the export "Brush labels to COCO" loses pixels. A mask goes
# out as the polygon through the centres of its outermost pixels: holes are filled, a rectangle of 60 x 40 pixels has the
# area 59 x 39, and of a line one pixel wide, or of a single pixel, nothing is exported at all.
# COCO has run lengths, which could hold the mask as it is; COCO's own tools count the pixels of a mask as its area.
# Seen, as areas: rectangle 2301 (2400 pixels); the same with a hole 2301 (2200); line none (50); one pixel none (1).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check label-studio-sdk==2.1.2 opencv-python-headless==4.12.0.88
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json, os, shutil, sys
import numpy as np
from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.brush import mask2rle
from label_studio_sdk.converter.converter import Format

folder = sys.argv[1]
CONFIG = (
    '<View><Image name="img" value="$image"/><BrushLabels name="tag" toName="img"><Label value="A"/></BrushLabels></View>'
)

def mask(*boxes):
    drawn = np.zeros((60, 100), np.uint8)
    for value, (left, top, right, bottom) in boxes:
        drawn[top:bottom, left:right] = value
    return drawn

RECTANGLE, HOLE = (255, (20, 10, 80, 50)), (0, (40, 20, 60, 30))
MASKS = {
    "rectangle": mask(RECTANGLE),
    "with a hole": mask(RECTANGLE, HOLE),
    "line": mask((255, (20, 10, 70, 11))),
    "one pixel": mask((255, (20, 10, 21, 11))),
}

def exported(name):
    value = {"format": "rle", "rle": mask2rle(MASKS[name]), "brushlabels": ["A"]}
    region = {
        "id": "r", "from_name": "tag", "to_name": "img", "type": "brushlabels", "value": value,
        "original_width": 100, "original_height": 60, "image_rotation": 0,
    }
    task = {"id": 1, "data": {"image": "http://example.org/a.png"}, "annotations": [{"id": 1, "result": [region]}]}
    given, out = os.path.join(folder, "tasks.json"), os.path.join(folder, "out")
    with open(given, "w") as file:
        json.dump([task], file)
    shutil.rmtree(out, ignore_errors=True)
    Converter(CONFIG, folder, download_resources=False).convert(given, out, Format.BRUSH_TO_COCO, is_dir=False)
    with open(os.path.join(out, "result_coco.json")) as file:
        return json.load(file)["annotations"]

areas = {name: [annotation["area"] for annotation in exported(name)] for name in MASKS}
for name, found in areas.items():
    print(f"{name}: {np.count_nonzero(MASKS[name])} pixels, areas {found}")
sys.exit(0 if areas == {"rectangle": [2301], "with a hole": [2301], "line": [], "one pixel": []} else 1)
PYTHON

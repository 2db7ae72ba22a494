#!/bin/sh
# transformers 5.24.0 (Pillow 13.0.0, numpy 2.4.6): the image processors of BEiT and DPT resize segmentation maps as they resize the
# photo, bicubically by default, so that along every border the numbers of classes are blended: between class 7 and void (255)
# lie pixels of classes that nobody drew, which are trained on as truth. The processors of SegFormer, MobileViT and MobileNetV2,
# called in the same way, take the nearest pixel. resample=0 (nearest) keeps the ids, and spoils the photo that is with them.
# Seen, of a map with the ids 0, 7 and 255, brought to 96 x 96: SegFormer [0, 7, 255]; BEiT and DPT
# [0, 1, 5, 6, 7, 31, 32, 36, 37, 224, 225, 255]. (Their backend for torchvision passes the same resample on.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 pillow==13.0.0 numpy==2.4.6
HF_HUB_OFFLINE=1 HF_HOME="$folder/hub" "$folder/venv/bin/python" - <<'PYTHON'
import sys
import numpy as np
from transformers import BeitImageProcessorPil, DPTImageProcessorPil, SegformerImageProcessorPil

photo = np.full((64, 48, 3), 100, np.uint8)
classes = np.zeros((64, 48), np.uint8)
classes[10:40, 10:30] = 7
classes[40:] = 255

def ids(processor, **options):
    size = {"height": 96, "width": 96}
    answer = processor(photo, segmentation_maps=classes.copy(), size=size, return_tensors="np", **options)
    return np.unique(answer["labels"][0]).tolist()

drawn = np.unique(classes).tolist()
segformer, beit, dpt = (ids(p()) for p in (SegformerImageProcessorPil, BeitImageProcessorPil, DPTImageProcessorPil))
nearest = ids(BeitImageProcessorPil(), resample=0)
print(f"SegFormer: {segformer}\nBEiT: {beit}\nDPT: {dpt}\nBEiT, nearest: {nearest}")
sys.exit(0 if segformer == nearest == drawn and beit == dpt and len(set(beit) - set(drawn)) > 5 else 1)
PYTHON

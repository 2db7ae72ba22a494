"""U2-Net in 8 bits as OpenVINO's own tool makes it: quantize_u2net.py U2NET.onnx OUT.xml CALIBRATION.npy.

CALIBRATION.npy has (N, 320, 320, 3) uint8 in RGB. Takes about two minutes.
"""

import sys

import nncf
import numpy as np
import openvino as ov

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def prepared(pixels: np.ndarray) -> np.ndarray:
    return ((pixels / max(float(pixels.max()), 1e-6) - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None]


original, out, calibration = sys.argv[1:]
photos = nncf.Dataset(np.load(calibration), prepared)
ov.save_model(nncf.quantize(ov.Core().read_model(original), photos, subset_size=len(np.load(calibration))), out)

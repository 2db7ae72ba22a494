"""The network families: one file each, one row here."""

from service.models.segmenters.base import Segmenter, TorchSegmenter
from service.models.segmenters.deeplab import DeepLabSegmenter
from service.models.segmenters.onnx import OnnxSegmenter
from service.models.segmenters.selfie import SelfieSegmenter
from service.models.segmenters.u2net import SmallU2NetSegmenter, U2NetSegmenter
from service.models.store.card import ONNX

SEGMENTERS: dict[str, type[TorchSegmenter]] = {
    "u2net": U2NetSegmenter,
    "u2netp": SmallU2NetSegmenter,
    "selfie": SelfieSegmenter,
    "deeplab": DeepLabSegmenter,
}
"""Networks that are written here."""

FAMILIES: dict[str, type[Segmenter]] = {**SEGMENTERS, ONNX: OnnxSegmenter}
"""All that a card can name."""

__all__ = ["FAMILIES", "SEGMENTERS"]

"""The network families: one file each, one row here."""

from service.segmenters.base import TorchSegmenter
from service.segmenters.deeplab import DeepLabSegmenter
from service.segmenters.selfie import SelfieSegmenter
from service.segmenters.u2net import U2NetSegmenter

SEGMENTERS: dict[str, type[TorchSegmenter]] = {
    "u2net": U2NetSegmenter,
    "selfie": SelfieSegmenter,
    "deeplab": DeepLabSegmenter,
}

__all__ = ["SEGMENTERS"]

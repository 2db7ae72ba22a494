"""The network families: one file each, one row here."""

from service.models.segmenters.base import TorchSegmenter
from service.models.segmenters.deeplab import DeepLabSegmenter
from service.models.segmenters.selfie import SelfieSegmenter
from service.models.segmenters.u2net import U2NetSegmenter

SEGMENTERS: dict[str, type[TorchSegmenter]] = {
    "u2net": U2NetSegmenter,
    "selfie": SelfieSegmenter,
    "deeplab": DeepLabSegmenter,
}

__all__ = ["SEGMENTERS"]

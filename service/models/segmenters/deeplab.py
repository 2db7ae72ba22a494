"""DeepLabV3 on MobileNetV2, trained on Pascal VOC: 21 classes at a sixteenth of the input's size.

Sources: Chen et al. 2017, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv:1706.05587;
Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381.
The published file is quantised to 8 bits; this is its network in floating point, with the dequantised weights. The
limits of its 8-bit activations are left out: keeping them changed the agreement with the TFLite runtime on one photo
of 14 (98.6% of pixels instead of 98.2%).
Modules are defined in the order in which they run: `store/convert.py` names the weights by that order.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from service.models.segmenters.base import TorchSegmenter
from service.models.segmenters.layers import ActivatedConv2d, ConvReLU, ConvReLU6

CLASSES = 21


class StageSpec(NamedTuple):
    """One row of the MobileNetV2 paper's table 2 (t, c, n and s), and the dilation that DeepLab adds."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    """Of the stage's first block; the others have stride 1."""
    dilation: int = 1


STAGES = (
    StageSpec(1, 16, 1, 1),
    StageSpec(6, 24, 2, 2),
    StageSpec(6, 32, 3, 2),
    StageSpec(6, 64, 4, 2),
    StageSpec(6, 96, 3, 1),
    # MobileNetV2 shrinks a last time here. DeepLab stays at 1/16, and what follows sees as far by dilation instead.
    StageSpec(6, 160, 1, 1),
    StageSpec(6, 160, 2, 1, dilation=2),
    StageSpec(6, 320, 1, 1, dilation=2),
)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand the channels, convolve each alone, project back to few without a non-linearity."""

    def __init__(self, in_channels: int, out_channels: int, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.expand = ConvReLU6(in_channels, wide, kernel_size=1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvReLU6(wide, wide, 3, stride, padding=dilation, dilation=dilation, groups=wide)
        self.project = ActivatedConv2d(wide, out_channels, kernel_size=1)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        narrow: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + narrow if self.residual else narrow


class MobileNetV2(nn.Module):
    """(N, 3, 513, 513) -> (N, 320, 33, 33)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvReLU6(3, 32, kernel_size=3, stride=2, padding=1)
        self.blocks = nn.Sequential(*inverted_residuals(in_channels=32))

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.blocks(self.stem(x))
        return features


def inverted_residuals(in_channels: int) -> list[InvertedResidual]:
    """The blocks of `STAGES`, in order."""
    blocks = []
    for stage in STAGES:
        for index in range(stage.blocks):
            stride = stage.stride if index == 0 else 1
            blocks.append(InvertedResidual(in_channels, stage.channels, stage.expansion, stride, stage.dilation))
            in_channels = stage.channels
    return blocks


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: (N, 320, h, w) -> (N, 256, h, w), what is here beside what the picture shows.

    The mobile variant keeps two of the paper's five branches: the 1x1 convolution and the image pooling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.local = ConvReLU(320, 256, kernel_size=1)
        self.pooled = ConvReLU(320, 256, kernel_size=1)
        self.project = ConvReLU(512, 256, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        local: Tensor = self.local(x)
        pooled: Tensor = self.pooled(x.mean(dim=(2, 3), keepdim=True))
        mixed: Tensor = self.project(torch.cat([pooled.expand_as(local), local], dim=1))
        return mixed


class DeepLabV3(nn.Module):
    """(N, 3, 513, 513) RGB in -1 to 1 -> (N, 21, 33, 33) logits.

    The published graph goes on to enlarge the logits to 513 with aligned corners and to take the largest. Here that
    happens later, at the image's own size.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MobileNetV2()
        self.aspp = ASPP()
        self.head = nn.Conv2d(256, CLASSES, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.aspp(self.encoder(x)))
        return logits


class DeepLabSegmenter(TorchSegmenter):
    """DeepLabV3 on one device."""

    network_type = DeepLabV3
    exact_layers = ("head",)

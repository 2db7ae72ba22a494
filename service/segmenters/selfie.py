"""MediaPipe's selfie segmentation: a person or background, small enough for a phone.

Encoder and pooling head: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244 (a narrower
MobileNetV3-Small, and its Lite R-ASPP). The decoder has no paper: it is read from the published graph.
Modules are defined in the order in which they run: `store/convert.py` names the weights by that order.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from service.segmenters.base import TorchSegmenter


class BlockSpec(NamedTuple):
    """One row of the paper's table of inverted residuals."""

    kernel: int
    stride: int
    in_channels: int
    expanded: int
    out_channels: int
    squeezed: int | None
    """Channels inside squeeze-and-excite; None where the block has none."""
    activation: type[nn.Module]


BLOCKS = (
    BlockSpec(3, 2, 16, 16, 16, 8, nn.ReLU),
    BlockSpec(3, 2, 16, 72, 24, None, nn.ReLU),
    BlockSpec(3, 1, 24, 88, 24, None, nn.ReLU),
    BlockSpec(5, 2, 24, 96, 32, 24, nn.Hardswish),
    BlockSpec(5, 1, 32, 128, 32, 32, nn.Hardswish),
    BlockSpec(5, 1, 32, 128, 32, 32, nn.Hardswish),
    BlockSpec(5, 1, 32, 96, 32, 24, nn.Hardswish),
    BlockSpec(5, 1, 32, 96, 32, 24, nn.Hardswish),
)
SKIPS_AFTER = (0, 2)
"""The blocks whose results, at a quarter and an eighth of the input's size, go to the decoder as well."""


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding for inputs of even size.

    Where stride 2 needs an odd number of padding pixels, TensorFlow puts the extra one below and right. torch pads
    evenly, which would shift the feature map by half a pixel at every such layer.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, groups=groups)
        missing = kernel - stride
        self.edges = (missing // 2, missing - missing // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.edges))


class ChannelGate(nn.Module):
    """Squeeze-and-excite: (N, C, h, w) -> (N, C, 1, 1), how much each channel matters in this picture, 0 to 1.

    Source: Hu et al. 2018, "Squeeze-and-Excitation Networks", arXiv:1709.01507.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, kernel_size=1)
        self.excite = nn.Conv2d(squeezed, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = F.relu(self.squeeze(average(x)))
        return torch.sigmoid(self.excite(squeezed))


class InvertedResidual(nn.Module):
    """MobileNetV3's block: expand the channels, convolve each alone, gate them, project back to few."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()
        wide = spec.expanded
        self.expand = nn.Conv2d(spec.in_channels, wide, kernel_size=1)
        self.depthwise = SameConv2d(wide, wide, spec.kernel, spec.stride, groups=wide)
        self.gate = ChannelGate(wide, spec.squeezed) if spec.squeezed else None
        self.project = nn.Conv2d(wide, spec.out_channels, kernel_size=1)
        self.activation = spec.activation()
        self.residual = spec.stride == 1 and spec.in_channels == spec.out_channels

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = self.activation(self.depthwise(self.activation(self.expand(x))))
        if self.gate is not None:
            wide = wide * self.gate(wide)
        narrow: Tensor = self.project(wide)
        return x + narrow if self.residual else narrow


class Encoder(nn.Module):
    """(N, 3, 256, 256) -> the features at 1/2, 1/4, 1/8 and 1/16 of that size, with 16, 16, 24 and 32 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(3, 16, kernel=3, stride=2)
        self.blocks = nn.ModuleList(InvertedResidual(spec) for spec in BLOCKS)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.hardswish(self.stem(x))
        features = [x]
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in SKIPS_AFTER:
                features.append(x)
        return [*features, x]


class LiteASPP(nn.Module):
    """The pooling head, Lite R-ASPP: (N, 32, 16, 16) -> (N, 128, 16, 16), gated by what the whole picture shows."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv2d(32, 128, kernel_size=1)
        self.gate = nn.Conv2d(32, 128, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.project(x)) * torch.sigmoid(self.gate(average(x)))


class DecoderStage(nn.Module):
    """Doubles the size of `x`, adds the gated skip connection, and refines: (N, C, h, w) -> (N, skip, 2h, 2w)."""

    def __init__(self, in_channels: int, skip_channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(in_channels, skip_channels, kernel_size=1)
        self.gate = ChannelGate(skip_channels, skip_channels)
        self.mix = nn.Conv2d(skip_channels, skip_channels, kernel_size=1)
        self.depthwise = nn.Conv2d(skip_channels, skip_channels, kernel_size=3, padding=1, groups=skip_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.reduce(F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False))
        x = x + skip * self.gate(x + skip)
        x = F.relu(self.mix(x))
        return x + F.relu(self.depthwise(x))


class SelfieNet(nn.Module):
    """(N, 3, 256, 256) RGB in 0 to 1 -> (N, 1, 256, 256) probability of being a person."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.aspp = LiteASPP()
        self.decoder = nn.ModuleList([DecoderStage(128, 24), DecoderStage(24, 16), DecoderStage(16, 16)])
        self.head = nn.ConvTranspose2d(16, 1, kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        *skips, deepest = self.encoder(x)
        x = self.aspp(deepest)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        return torch.sigmoid(self.head(x))


def average(x: Tensor) -> Tensor:
    """Global average pooling: (N, C, h, w) -> (N, C, 1, 1)."""
    return x.mean(dim=(2, 3), keepdim=True)


class SelfieSegmenter(TorchSegmenter):
    """The selfie network on one device."""

    network_type = SelfieNet

"""MediaPipe's selfie segmentation: a person or background, small enough for a phone.

Encoder and pooling head: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244 (a narrower
MobileNetV3-Small, and its Lite R-ASPP). The decoder has no paper: it is read from the published graph.
Modules are defined in the order in which they run: `store/convert.py` names the weights by that order.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from service.models.segmenters.base import TorchSegmenter
from service.models.segmenters.layers import ActivatedConv2d, Activation


class BlockSpec(NamedTuple):
    """One row of the paper's table of inverted residuals."""

    kernel: int
    stride: int
    in_channels: int
    expanded: int
    out_channels: int
    squeezed: int | None
    """Channels inside squeeze-and-excite; None where the block has none."""
    activation: Activation


BLOCKS = (
    BlockSpec(3, 2, 16, 16, 16, 8, "relu"),
    BlockSpec(3, 2, 16, 72, 24, None, "relu"),
    BlockSpec(3, 1, 24, 88, 24, None, "relu"),
    BlockSpec(5, 2, 24, 96, 32, 24, "hardswish"),
    BlockSpec(5, 1, 32, 128, 32, 32, "hardswish"),
    BlockSpec(5, 1, 32, 128, 32, 32, "hardswish"),
    BlockSpec(5, 1, 32, 96, 32, 24, "hardswish"),
    BlockSpec(5, 1, 32, 96, 32, 24, "hardswish"),
)
SKIPS_AFTER = (0, 2)
"""The blocks whose results, at a quarter and an eighth of the input's size, go to the decoder as well."""


class Conv2d(ActivatedConv2d):
    """A convolution that keeps the size, or halves it with stride 2, with TensorFlow's "SAME" padding; an activation.

    Where stride 2 needs an odd number of padding pixels, TensorFlow puts the extra one below and right. torch pads
    evenly, which would shift the feature map by half a pixel at every such layer. Inputs are of even size.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, activation: Activation, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding=(kernel - stride) // 2, groups=groups)
        self.activation = activation
        self.uneven = (kernel - stride) % 2 == 1

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.uneven else x)


class Dense(nn.Conv2d):
    """A 1x1 convolution of a picture of one pixel: (N, C) -> (N, out)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.flatten(1), self.bias)


class ChannelGate(nn.Module):
    """Squeeze-and-excite: (N, C, h, w) -> (N, C, 1, 1), how much each channel matters in this picture, 0 to 1.

    Source: Hu et al. 2018, "Squeeze-and-Excitation Networks", arXiv:1709.01507.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = Dense(channels, squeezed)
        self.excite = Dense(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        squeezed: Tensor = self.squeeze(average(x)).relu_()
        return gate(self.excite(squeezed))


class InvertedResidual(nn.Module):
    """MobileNetV3's block: expand the channels, convolve each alone, gate them, project back to few."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()
        wide = spec.expanded
        self.expand = Conv2d(spec.in_channels, wide, 1, spec.activation)
        self.depthwise = Conv2d(wide, wide, spec.kernel, spec.activation, spec.stride, groups=wide)
        self.gate = ChannelGate(wide, spec.squeezed) if spec.squeezed else None
        self.project = Conv2d(wide, spec.out_channels, 1, "none")
        self.residual = spec.stride == 1 and spec.in_channels == spec.out_channels

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = self.depthwise(self.expand(x))
        if self.gate is not None:
            wide.mul_(self.gate(wide))
        narrow: Tensor = self.project(wide)
        return narrow.add_(x) if self.residual else narrow


class Encoder(nn.Module):
    """(N, 3, 256, 256) -> the features at 1/2, 1/4, 1/8 and 1/16 of that size, with 16, 16, 24 and 32 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv2d(3, 16, 3, "hardswish", stride=2)
        self.blocks = nn.ModuleList(InvertedResidual(spec) for spec in BLOCKS)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
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
        self.project = Conv2d(32, 128, 1, "relu")
        self.gate = Dense(32, 128)

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.project(x)
        return projected.mul_(gate(self.gate(average(x))))


class DecoderStage(nn.Module):
    """Doubles the size of `x`, adds the gated skip connection, and refines: (N, C, h, w) -> (N, skip, 2h, 2w)."""

    def __init__(self, in_channels: int, skip_channels: int) -> None:
        super().__init__()
        self.reduce = Conv2d(in_channels, skip_channels, 1, "none")
        self.gate = ChannelGate(skip_channels, skip_channels)
        self.mix = Conv2d(skip_channels, skip_channels, 1, "relu")
        self.depthwise = Conv2d(skip_channels, skip_channels, 3, "relu", groups=skip_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        # The published graph reduces after it enlarges. Both are linear, so this order gives the same for less.
        x = F.interpolate(self.reduce(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        x = torch.addcmul(x, skip, self.gate(x + skip))
        mixed: Tensor = self.mix(x)
        refined: Tensor = self.depthwise(mixed)
        return refined.add_(mixed)


class DoublingHead(nn.ConvTranspose2d):
    """One plane of twice the size: (N, C, h, w) -> (N, 1, 2h, 2w), each pixel becoming 2x2 that do not overlap.

    So it is one matrix product, (4, C) by (C, h * w), and a rearrangement: 3.5 times as fast as torch's transposed
    convolution on a CPU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1, kernel_size=2, stride=2)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        n, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
        corners = torch.mm(self.weight.view(channels, 4).t(), pixels.t()).view(2, 2, n, height, width)
        plane = corners.permute(2, 3, 0, 4, 1).reshape(n, 1, 2 * height, 2 * width)
        return plane if self.bias is None else plane.add_(self.bias)


class SelfieNet(nn.Module):
    """(N, 3, 256, 256) RGB in 0 to 1 -> (N, 1, 256, 256) probability of being a person."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.aspp = LiteASPP()
        self.decoder = nn.ModuleList([DecoderStage(128, 24), DecoderStage(24, 16), DecoderStage(16, 16)])
        self.head = DoublingHead(16)

    def forward(self, x: Tensor) -> Tensor:
        *skips, deepest = self.encoder(x)
        x = self.aspp(deepest)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            x = stage(x, skip)
        scores: Tensor = self.head(x)
        return scores.sigmoid_()


def average(x: Tensor) -> Tensor:
    """Global average pooling: (N, C, h, w) -> (N, C)."""
    return x.mean(dim=(2, 3))


def gate(x: Tensor) -> Tensor:
    """(N, C), any number -> (N, C, 1, 1), 0 to 1."""
    return x.sigmoid_()[:, :, None, None]


class SelfieSegmenter(TorchSegmenter):
    """The selfie network on one device."""

    network_type = SelfieNet

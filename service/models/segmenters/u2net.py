"""U²-Net: salient object detection by a U-Net whose every stage is itself a small U-Net.

Source: Qin et al. 2020, "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection", arXiv:2005.09007.
The parts keep the paper's names and numbers. Batch normalisation is folded into the convolutions, as in the published
ONNX file. Modules are defined in the order in which they run: `store/convert.py` names the weights by that order.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from service.models.segmenters.base import TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.segmenters.layers import ConvReLU
from service.models.store import Checkpoint, ModelCard

if TYPE_CHECKING:
    from service.models.segmenters.base import RunningNetwork


class SameConvReLU(ConvReLU):
    """A 3x3 convolution that keeps the size, then ReLU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=dilation, dilation=dilation)


class UBlock(nn.Module):
    """A small U-Net around which the input, projected to `out_channels`, is added: (N, in, h, w) -> (N, out, h, w).

    `dilations` has one entry a layer on the way down; the last is the bottom of the U. The way up mirrors it.
    """

    def __init__(
        self, dilations: Sequence[int], in_channels: int, mid_channels: int, out_channels: int, halving: bool
    ) -> None:
        super().__init__()
        *down, bottom = dilations
        into = [out_channels] + [mid_channels] * (len(down) - 1)
        out_of = [mid_channels] * (len(down) - 1) + [out_channels]
        self.halving = halving
        self.project = SameConvReLU(in_channels, out_channels)
        self.encoder = nn.ModuleList(SameConvReLU(c, mid_channels, d) for c, d in zip(into, down, strict=True))
        self.bottom = SameConvReLU(mid_channels, mid_channels, bottom)
        self.decoder = nn.ModuleList(
            SameConvReLU(2 * mid_channels, c, d) for c, d in zip(out_of, down[::-1], strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        skips = contract(self.encoder, x, self.halving)
        inside = expand(self.decoder, self.bottom(skips[-1]), skips)[-1]
        return x + inside


class RSU(UBlock):
    """RSU-L, the residual U-block: `height` layers deep, each but the last two at half the size of the one above."""

    def __init__(self, height: int, in_channels: int, mid_channels: int, out_channels: int) -> None:
        super().__init__([1] * (height - 1) + [2], in_channels, mid_channels, out_channels, halving=True)


class DilatedRSU(UBlock):
    """RSU-4F: sees as far by dilation instead of pooling, for stages that are too small to be halved further."""

    def __init__(self, in_channels: int, mid_channels: int, out_channels: int) -> None:
        super().__init__([1, 2, 4, 8], in_channels, mid_channels, out_channels, halving=False)


class StageSpec(NamedTuple):
    """One row of the paper's table 1: L, C_in, M and C_out of a residual U-block."""

    height: int | None
    """None is RSU-4F, which is dilated."""
    in_channels: int
    mid_channels: int
    out_channels: int

    def build(self) -> UBlock:
        height, *channels = self
        return DilatedRSU(*channels) if height is None else RSU(height, *channels)


Stages = tuple[Sequence[StageSpec], Sequence[StageSpec]]
"""En_1 to En_6, and De_5 to De_1."""

LARGE: Stages = (
    [
        StageSpec(7, 3, 32, 64),
        StageSpec(6, 64, 32, 128),
        StageSpec(5, 128, 64, 256),
        StageSpec(4, 256, 128, 512),
        StageSpec(None, 512, 256, 512),
        StageSpec(None, 512, 256, 512),
    ],
    [
        StageSpec(None, 1024, 256, 512),
        StageSpec(4, 1024, 128, 256),
        StageSpec(5, 512, 64, 128),
        StageSpec(6, 256, 32, 64),
        StageSpec(7, 128, 16, 64),
    ],
)

SMALL: Stages = (
    [StageSpec(7, 3, 16, 64), *(StageSpec(height, 64, 16, 64) for height in (6, 5, 4, None, None))],
    [StageSpec(height, 128, 16, 64) for height in (None, 4, 5, 6, 7)],
)
"""U2-Net† of the paper: 1.1 million weights instead of 44."""


class U2Net(nn.Module):
    """(N, 3, 320, 320) normalised RGB -> (N, 1, 320, 320) probability of being the salient object.

    Six encoder stages, En_1 to En_6, and five decoder stages, De_5 to De_1. The last six maps each give a saliency
    map ("side output"), and a 1x1 convolution fuses those.
    """

    stages: ClassVar[Stages] = LARGE

    def __init__(self) -> None:
        super().__init__()
        encoder, decoder = self.stages
        self.encoder = nn.ModuleList(stage.build() for stage in encoder)
        self.decoder = nn.ModuleList(stage.build() for stage in decoder)
        seen = [encoder[-1], *decoder]
        self.sides = nn.ModuleList(
            nn.Conv2d(stage.out_channels, 1, kernel_size=3, padding=1) for stage in reversed(seen)
        )
        self.fuse = nn.Conv2d(6, 1, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        *skips, deepest = contract(self.encoder, x, halving=True)
        maps = [deepest, *expand(self.decoder, deepest, skips)]
        sides = [side(features) for side, features in zip(self.sides, reversed(maps), strict=True)]
        fused = self.fuse(torch.cat([enlarge(side, sides[0]) for side in sides], dim=1))
        return torch.sigmoid(fused)


def contract(layers: nn.ModuleList, x: Tensor, halving: bool) -> list[Tensor]:
    """What each layer gives, the finest first; with `halving`, each works at half the size of the one before."""
    features: list[Tensor] = []
    for layer in layers:
        if halving and features:
            x = F.max_pool2d(x, kernel_size=2, stride=2, ceil_mode=True)
        x = layer(x)
        features.append(x)
    return features


def expand(layers: nn.ModuleList, x: Tensor, skips: Sequence[Tensor]) -> list[Tensor]:
    """What each layer gives, the coarsest first, when it sees the one before together with its skip connection."""
    features: list[Tensor] = []
    for layer, skip in zip(layers, reversed(skips), strict=True):
        x = layer(torch.cat([enlarge(x, skip), skip], dim=1))
        features.append(x)
    return features


def enlarge(x: Tensor, like: Tensor) -> Tensor:
    """`x` at the height and width of `like`."""
    if x.shape[2:] == like.shape[2:]:
        return x
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


class SmallU2Net(U2Net):
    """As U2Net, with few channels."""

    stages = SMALL


class U2NetSegmenter(TorchSegmenter):
    """U²-Net on one device.

    In training each picture was divided by its own brightest value, not by 255, before mean and std: see ToTensorLab in
    the authors' repository. Its card says so.
    """

    network_type = U2Net
    exact_layers: ClassVar[tuple[str, ...]] = ("sides", "fuse")
    """All between the first convolution and these is in eight bits, where any is."""

    def compiled(self, checkpoint: Checkpoint) -> "RunningNetwork":
        """By Winograd's convolutions where they are the faster way: see `u2net_in_bytes.py`."""
        from service.models.engines.shared_weights import SharedWeights
        from service.models.segmenters import u2net_in_bytes

        size, ranges = (self._card.input.height, self._card.input.width), checkpoint.int8_ranges
        if ranges is None or self._card.precision != "int8" or not u2net_in_bytes.can_run(size):
            return super().compiled(checkpoint)
        assert isinstance(self.network, U2Net)
        weights = checkpoint.shared_weights or SharedWeights.create()
        threads = self._device.threads
        return u2net_in_bytes.U2NetInBytes(self.network, ranges.spans, self.prepare, size, threads, weights)


class SmallU2NetSegmenter(U2NetSegmenter):
    """The small U²-Net on one device, with a stage whose channels are about equally loud: see QUIETER."""

    network_type = SmallU2Net

    def __init__(self, card: ModelCard, network: nn.Module, device: Device) -> None:
        assert isinstance(network, SmallU2Net)
        make_quieter(network.decoder[3])
        super().__init__(card, network, device)


QUIETER: Mapping[int, int] = {3: 8, 6: 2, 10: 4, 14: 16, 15: 2}
"""What channels of the fourth decoder layer of De_2 are divided by; the next layer's weights are multiplied by it.

One of them is 228 nearly everywhere, where what they are joined with is 20 at most. On one grid of bytes that left
little of the others: with all of De_2 in eight bits the mean IoU on 60 pictures of ECSSD was .751 instead of .918. They
are powers of two, so nothing changes in floating point.
Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv:1906.04721.
"""


def make_quieter(stage: nn.Module) -> None:
    """A De_2 that computes the same."""
    assert isinstance(stage, UBlock)
    layer, after = stage.decoder[3], stage.decoder[4]
    assert isinstance(layer, ConvReLU)
    assert isinstance(after, ConvReLU)
    assert layer.bias is not None
    by_channel = [QUIETER.get(channel, 1) for channel in range(layer.out_channels)]
    divisors = torch.tensor(by_channel, device=layer.weight.device)
    layer.weight.data = layer.weight / divisors.view(-1, 1, 1, 1)
    layer.bias.data = layer.bias / divisors
    weight = after.weight.clone()  # what is loaded is a view of the file
    weight[:, : len(divisors)] *= divisors.view(1, -1, 1, 1)
    after.weight.data = weight

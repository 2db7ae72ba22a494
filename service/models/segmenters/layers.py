"""Convolutions with their activation, one module each, so that both can be computed in one go."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["none", "relu", "relu6", "hardswish"]

Geometry = tuple[str | tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
"""Padding, stride, dilation and groups."""

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu_,
    "relu6": lambda x: F.hardtanh_(x, 0.0, 6.0),
    "hardswish": lambda x: F.hardswish(x, inplace=True),
}
"""Each overwrites its argument."""

ONEDNN_ACTIVATIONS: dict[Activation, tuple[str, list[float]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
    "hardswish": ("hardswish", []),
}
"""As `mkldnn::_convolution_pointwise` calls them, with their parameters."""

MATRIX_PRODUCT_MACS = 4_000_000
"""oneDNN takes 30 us before it multiplies, a matrix product 5; from about here on oneDNN's faster loops win. Measured
on the layers of the selfie network and DeepLab, one thread of an AMD EPYC (Zen 4), 2026-11-25."""


MAX_PACKED_WEIGHTS = 1 << 16
"""So many are kept in oneDNN's own order as well, which saves 20 to 30 us a call. More would cost each worker memory
of its own, where the file's are shared; that gained 3% on U2-Net, for 176 MB."""


class ActivatedConv2d(nn.Conv2d):
    """A convolution with its batch normalisation folded in, then an activation.

    On a CPU in float32 one call computes both, instead of a second pass over the result: see `convolve_on_cpu`.
    """

    activation: Activation = "none"
    packed: Tensor | None = None
    """The weights as oneDNN wants them, once they were used on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cpu and x.dtype == torch.float32 and has_onednn():
            return convolve_on_cpu(self, x)
        return ACTIVATIONS[self.activation](super().forward(x))

    def __getstate__(self) -> dict[str, object]:
        """For a copy, which packs weights of its own: oneDNN's tensors cannot be copied."""
        return self.__dict__ | {"packed": None}


class ConvReLU(ActivatedConv2d):
    """A convolution, then ReLU."""

    activation = "relu"


class ConvReLU6(ActivatedConv2d):
    """A convolution, then ReLU6."""

    activation = "relu6"


def has_onednn() -> bool:
    """False where torch was built without it, or was told not to use it."""
    return bool(torch.backends.mkldnn.enabled) and torch._C._has_mkldnn


def convolve_on_cpu(conv: ActivatedConv2d, x: Tensor) -> Tensor:
    """(N, C, h, w) float32 -> (N, out, h', w'). Best with both `x` and the weights in channels-last order."""
    if conv.kernel_size == (1, 1) and conv.stride == (1, 1) and x.numel() * conv.out_channels < MATRIX_PRODUCT_MACS:
        pixels = F.linear(x.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias)
        return ACTIVATIONS[conv.activation](pixels).permute(0, 3, 1, 2)
    name, parameters = ONEDNN_ACTIVATIONS[conv.activation]
    geometry = (conv.padding, conv.stride, conv.dilation, conv.groups)
    if conv.packed is None:
        conv.packed = _packed(conv.weight, geometry, x.shape)
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, conv.packed, conv.bias, *geometry, name, parameters, "none"
    )
    return result


def _packed(weight: Tensor, geometry: Geometry, input_shape: Sequence[int]) -> Tensor:
    if weight.numel() > MAX_PACKED_WEIGHTS:
        return weight.detach()  # a tensor: a second parameter of this module is not meant
    packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, *geometry, input_shape)
    return packed

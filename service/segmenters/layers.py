"""Convolutions with their activation, one module each, so that both can be computed in one go; and their exchange."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


class ConvReLU(nn.Conv2d):
    """A convolution with its batch normalisation folded in, then ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(super().forward(x), inplace=True)


class ConvReLU6(nn.Conv2d):
    """A convolution with its batch normalisation folded in, then ReLU6."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(super().forward(x), inplace=True)


def replace_convolutions(network: nn.Module, substitute: Callable[[str, nn.Conv2d], nn.Module]) -> None:
    """Put `substitute(name, convolution)` in the place of every convolution of `network`."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d):
            parent, _, attribute = name.rpartition(".")
            setattr(network.get_submodule(parent), attribute, substitute(name, module))

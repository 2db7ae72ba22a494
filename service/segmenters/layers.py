"""Convolutions with their activation: one module each, so that a device can compute both in one go."""

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

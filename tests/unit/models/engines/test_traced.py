"""What torch computes, as a graph that the module's own `forward` has built."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from service.configuration_errors import NoCompiledForm
from service.models.engines.compiled import CompiledNetwork
from service.models.engines.traced import traced
from service.models.segmenters.layers import ActivatedConv2d, ConvReLU, ConvReLU6

SHAPE = (1, 9, 14, 8)
"""Of odd height, so that halving rounds up."""


def planes(pixels: Tensor) -> Tensor:
    return pixels.permute(0, 3, 1, 2).float().div_(255.0).sub_(torch.linspace(0, 1, 8).view(1, 8, 1, 1))


def random_pixels() -> Tensor:
    return torch.randint(0, 256, SHAPE, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Swish(ActivatedConv2d):
    """Pads unevenly first, as TensorFlow does."""

    activation = "hardswish"

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class EveryOperation(nn.Module):
    """A small network with all that a network here may do to a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvReLU(8, 8, 3, padding=1)
        self.down = ConvReLU6(8, 8, 3, padding=2, dilation=2)
        self.depthwise = ConvReLU6(8, 8, 3, padding=1, groups=8)
        self.halves = Swish(8, 8, 3, stride=2)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False)
        self.squeeze = nn.Linear(8, 8)
        self.head = nn.Conv2d(24, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        small = self.depthwise(self.down(F.max_pool2d(x, kernel_size=2, stride=2, ceil_mode=True)))
        gate = self.squeeze(x.mean(dim=(2, 3))).relu_().sigmoid_()[:, :, None, None]
        gated = self.grouped(x).mul_(gate).add_(x)
        halved = self.halves(F.pad(x, (0, 0, 0, 1)))
        enlarged = F.interpolate(halved, size=x.shape[2:], mode="bilinear", align_corners=False)
        pooled = small.mean(dim=(2, 3), keepdim=True).expand_as(x)
        mixed = self.head(torch.cat([torch.addcmul(gated, enlarged, gate), enlarged + x, pooled], dim=1))
        doubled = F.interpolate(mixed, scale_factor=2.0, mode="bilinear", align_corners=False)
        return doubled.div_(doubled.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1.0))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return EveryOperation().eval().requires_grad_(False)


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_every_operation_gives_what_torch_gives(network: nn.Module, order: torch.memory_format) -> None:
    network = network.to(memory_format=order)  # type: ignore[call-overload]
    pixels = random_pixels()
    graph = traced(lambda x: network(planes(x)), network, SHAPE)
    found = CompiledNetwork(graph, 1, "fp32").infer(pixels.numpy())
    expected = network(planes(pixels)).numpy()
    assert found.shape == expected.shape
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_convolution_gives_its_name_to_the_node_that_has_its_activation(network: nn.Module) -> None:
    kinds = {node.get_friendly_name(): node.get_type_name() for node in _graph(network).get_ordered_ops()}
    assert (kinds["stem"], kinds["down"], kinds["halves"], kinds["head"]) == ("Relu", "Clamp", "HSwish", "Add")


def test_the_module_is_afterwards_what_it_was(network: nn.Module) -> None:
    pixels = random_pixels()
    before = network(planes(pixels))
    _graph(network)
    torch.testing.assert_close(network(planes(pixels)), before)
    assert not any(module._forward_hooks for module in network.modules())


def _graph(network: nn.Module) -> Any:
    return traced(lambda x: network(planes(x)), network, SHAPE)


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (torch.erf, "erf"),
        (lambda x: x.cumsum(dim=1), "cumsum"),
        (lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"), "reflect"),
        (lambda x: F.interpolate(x, scale_factor=2.0, mode="nearest"), "nearest"),
        (lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True), "aligned corners"),
        (lambda x: F.max_pool2d(x, 2, return_indices=True), "indices"),
        (lambda x: x[:, :1], "a part of it"),
    ],
)
def test_what_has_no_row_is_refused_by_its_name(operation: Callable[[Any], Any], name: str) -> None:
    with pytest.raises(NoCompiledForm, match=name):
        traced(lambda x: operation(planes(x)), nn.Identity(), SHAPE)

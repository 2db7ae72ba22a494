"""Graphs in eight bits, beside the same graphs in float32."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from service.models.engines.compiled import CompiledNetwork, compiled
from service.models.engines.eight_bits import CONVOLUTIONS, Grid, calibrate, quantize
from service.models.engines.library import ov
from service.models.engines.traced import traced
from service.models.segmenters.layers import ConvReLU, ConvReLU6
from service.models.store.int8_ranges import Span
from tests.processor import needs_int8

SHAPE = (1, 33, 47, 3)
"""Of odd size, so that halving rounds up."""


class Joining(nn.Module):
    """A small network that adds, joins, halves, enlarges and averages what its convolutions give."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvReLU(3, 8, 3, padding=1)
        self.down = ConvReLU6(8, 8, 3, padding=2, dilation=2)
        self.depthwise = ConvReLU6(8, 8, 3, padding=1, groups=8)
        self.linear = nn.Conv2d(8, 8, 1)
        self.again = nn.Conv2d(8, 8, 1)
        self.pooled = ConvReLU(8, 8, 1)
        self.mixed = ConvReLU(24, 8, 3, padding=1)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        small = self.down(F.max_pool2d(x, kernel_size=2, stride=2, ceil_mode=True))
        signed = self.linear(self.depthwise(small))
        signed = signed + self.again(signed)
        pooled = self.pooled(signed.mean(dim=(2, 3), keepdim=True))
        enlarged = F.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False)
        mixed = self.mixed(torch.cat([x, enlarged, pooled.expand_as(x)], dim=1))
        scores: Tensor = self.head(mixed)
        return scores


def picture(seed: int) -> NDArray[np.uint8]:
    """Smooth, as photos are."""
    noise = torch.rand((1, 3, 9, 12), generator=torch.Generator().manual_seed(seed))
    smooth = F.interpolate(noise, size=SHAPE[1:3], mode="bilinear", align_corners=False)
    levels: NDArray[np.uint8] = np.rint(smooth.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    return levels


def pictures() -> Iterator[NDArray[np.uint8]]:
    return map(picture, range(8))


@pytest.fixture(scope="module")
def network() -> Joining:
    torch.manual_seed(0)
    network = Joining()
    network.eval().requires_grad_(False)
    return network


@pytest.fixture(scope="module")
def spans(network: Joining) -> Mapping[str, Span]:
    return calibrate(graph(network), ("head",), pictures())


def graph(network: nn.Module) -> ov.Model:
    return traced(lambda x: network(x.permute(0, 3, 1, 2).float().div_(255.0)), network, SHAPE)


@needs_int8
def test_in_eight_bits_it_stays_near_the_float_network(network: Joining, spans: Mapping[str, Span]) -> None:
    marked = graph(network)
    quantize(marked, spans)
    quantized, exact = CompiledNetwork(marked, 1, "int8"), CompiledNetwork(graph(network), 1, "fp32")
    for seed in range(100, 105):
        found, expected = quantized.infer(picture(seed)), exact.infer(picture(seed))
        assert np.abs(found - expected).mean() < 0.03 * np.ptp(expected)
        assert np.abs(found - expected).max() > 0


@needs_int8
def test_what_comes_after_the_first_convolution_is_multiplied_in_eight_bits(
    network: Joining, spans: Mapping[str, Span]
) -> None:
    """Two are not: the first, which sees the picture itself, and the one that sees its average."""
    marked = graph(network)
    quantize(marked, spans)
    assert kinds(marked).count("I8") == 6
    assert "I8" not in kinds(graph(network))


def kinds(model: ov.Model) -> list[str]:
    """How the convolutions are computed once it is compiled, `I8` or `f32`, as OpenVINO tells."""
    told = [node.get_rt_info() for node in compiled(model, 1, "int8").get_runtime_model().get_ordered_ops()]
    convolutions = [info for info in told if info["layerType"].astype(str) == "Convolution"]
    return [info["primitiveType"].astype(str).rpartition("_")[2] for info in convolutions]


def test_tensors_that_are_added_or_joined_get_one_span(spans: Mapping[str, Span]) -> None:
    assert spans["stem"] == spans["down"] == spans["pooled"]
    assert spans["linear"] == spans["again"]
    assert spans["linear"][0] < 0
    assert spans["stem"][0] == 0
    assert "head" not in spans


def test_what_is_exact_stays_so_where_an_activation_follows(network: Joining) -> None:
    found = calibrate(graph(nn.Sequential(network, nn.Sigmoid())), ("0.head",), pictures())
    assert all(name.startswith("0.") for name in found)
    assert "0.head" not in found


def test_a_sum_is_measured_as_well(network: Joining, spans: Mapping[str, Span]) -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Tensor) -> Tensor:
            x = self.network.stem(x)
            signed: Tensor = self.network.linear(self.network.depthwise(self.network.down(x)))
            return signed + signed + signed

    found = calibrate(graph(Sum()), (), pictures())["network.linear"]
    alone = calibrate(
        graph(nn.Sequential(network.stem, network.down, network.depthwise, network.linear)), (), pictures()
    )
    assert found[1] == pytest.approx(3 * alone["3"][1], rel=0.01)


@given(low=st.floats(-100, 0), high=st.floats(0.01, 100))
def test_a_grid_holds_its_ends_and_exactly_zero(low: float, high: float) -> None:
    grid = Grid.covering((low, high))
    assert 0 <= grid.zero_point <= 255
    np.testing.assert_allclose(grid.ends, (low, high), atol=grid.scale * 0.501)


def test_a_graph_that_was_read_from_a_file_has_names_as_well(network: Joining) -> None:
    """Nothing is traced, so its nodes are called as the file calls them."""
    read: Any = graph(network)
    for number, node in enumerate(node for node in read.get_ordered_ops() if node.get_type_name() in CONVOLUTIONS):
        assert node.get_friendly_name() not in dict(network.named_modules()), number
    assert len(calibrate(read, (), pictures())) == 8

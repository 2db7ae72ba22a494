"""Networks in eight bits, beside the same networks in float32."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from service.models.segmenters.calibration import observe
from service.models.segmenters.int8 import Grid, Quantized, quantize
from service.models.segmenters.layers import ConvReLU, ConvReLU6
from tests.processor import needs_vnni


class EveryOperation(nn.Module):
    """A small network with all that a network here may do to a tensor between its convolutions."""

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


def picture(seed: int) -> Tensor:
    """(1, 3, 33, 47), smooth, and of odd size so that halving rounds up."""
    noise = torch.rand((1, 3, 9, 12), generator=torch.Generator().manual_seed(seed))
    smooth = F.interpolate(noise, size=(33, 47), mode="bilinear", align_corners=False)
    return smooth.contiguous(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def exact() -> nn.Module:
    torch.manual_seed(0)
    return EveryOperation().eval().requires_grad_(False)


def spans(network: nn.Module) -> dict[str, tuple[float, float]]:
    network = copy.deepcopy(network)
    observed = observe(network, exact=("head",))
    for seed in range(8):
        network(picture(seed))
    return {name: (conv.company.whole.low, conv.company.whole.high) for name, conv in observed.items()}


@needs_vnni
def test_every_operation_in_eight_bits_stays_near_the_float_network(exact: nn.Module) -> None:
    network = copy.deepcopy(exact)
    quantize(network, spans(exact))
    for seed in range(100, 105):
        expected, found = exact(picture(seed)), network(picture(seed))
        assert found.dtype == torch.float32
        assert found.shape == expected.shape
        spread = float(expected.max() - expected.min())
        assert float((found - expected).abs().mean()) < 0.03 * spread


def test_tensors_that_are_added_or_joined_get_one_range(exact: nn.Module) -> None:
    found = spans(exact)
    assert found["stem"] == found["down"] == found["pooled"]
    assert found["linear"] == found["again"]
    assert found["linear"][0] < 0
    assert found["stem"][0] == 0
    assert "head" not in found


def test_the_observed_network_computes_what_it_did(exact: nn.Module) -> None:
    network = copy.deepcopy(exact)
    observe(network, exact=("head",))
    torch.testing.assert_close(network(picture(1)), exact(picture(1)))


@needs_vnni
def test_tensors_on_different_grids_cannot_meet(exact: nn.Module) -> None:
    wrong = spans(exact) | {"again": (-100.0, 100.0)}
    network = copy.deepcopy(exact)
    quantize(network, wrong)
    with pytest.raises(ValueError, match="must share a grid"):
        network(picture(1))


@given(low=st.floats(-100, 0), high=st.floats(0.01, 100))
def test_a_grid_holds_its_ends_and_exactly_zero(low: float, high: float) -> None:
    grid = Grid.covering((low, high))
    values = torch.tensor([low, 0.0, high])
    integers = grid.quantize(values.clone()).integers
    back = (integers.float() - grid.zero_point) * grid.scale
    assert back[1] == 0
    np.testing.assert_allclose(back, values, atol=grid.scale * 0.501)


def test_what_lies_outside_of_a_grid_becomes_its_end() -> None:
    assert Grid(1.0, 100).quantize(torch.tensor([-500.0, 500.0])).integers.tolist() == [0, 255]


@pytest.mark.parametrize("zero_point", [0, 100])
def test_a_sum_that_does_not_fit_saturates(zero_point: int) -> None:
    grid = Grid(1.0, zero_point)
    parts = [Quantized(torch.tensor([values], dtype=torch.uint8), grid) for values in ([250, 0, 101], [100, 3, 99])]
    expected = [min(max(a + b - zero_point, 0), 255) for a, b in zip([250, 0, 101], [100, 3, 99], strict=True)]
    assert (parts[0] + parts[1]).integers.tolist() == [expected]


def test_an_operation_without_an_8_bit_form_says_so() -> None:
    tensor = Quantized(torch.zeros((1, 1, 2, 2), dtype=torch.uint8), Grid(1.0, 0))
    with pytest.raises(NotImplementedError, match="sigmoid"):
        torch.sigmoid(tensor)  # type: ignore[arg-type]

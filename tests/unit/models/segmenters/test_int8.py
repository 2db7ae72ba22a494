"""Networks in eight bits, beside the same networks in float32."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from service.errors import NoInt8Form
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.calibration import Company, Observed, observe
from service.models.segmenters.int8 import Grid, QuantConv2d, Quantized, quantize
from service.models.segmenters.layers import ActivatedConv2d, ConvReLU, ConvReLU6
from service.models.segmenters.selfie import SelfieNet
from service.models.store.int8_ranges import read_ranges
from tests.processor import needs_vnni
from tests.weights import REPOSITORY


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


# --- what is refused --------------------------------------------------------------------------------------------------


def stand_ins() -> list[Quantized | Observed]:
    """What a network sees in the place of its tensors, in 8 bits and while it is measured."""
    integers = torch.zeros((1, 1, 2, 2), dtype=torch.uint8)
    return [Quantized(integers, Grid(1.0, 0)), Observed(integers.float(), Company())]


@pytest.mark.parametrize("tensor", stand_ins(), ids=["quantized", "observed"])
@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (torch.sigmoid, "sigmoid"),
        (F.hardswish, "hardswish"),
        (lambda x: F.pad(x, (0, 1, 0, 1)), "pad"),
        (lambda x: x.mul_(2), "mul_"),
        (lambda x: x.permute(0, 2, 3, 1), "permute"),
        (lambda x: x + torch.ones(1), "add"),
        (lambda x: torch.ones(1) + x, "add"),
    ],
)
def test_an_operation_without_an_8_bit_form_says_so(
    tensor: Quantized | Observed, operation: Callable[[Any], Any], name: str
) -> None:
    with pytest.raises(NoInt8Form, match=name):
        operation(tensor)


class Swish(nn.Module):
    """Its activation has no 8-bit form."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ActivatedConv2d(3, 8, 3)
        self.stem.activation = "hardswish"


class Padding(ActivatedConv2d):
    """Does more than a convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Swish(), "stem: the activation hardswish"),
        (nn.Sequential(Padding(3, 8, 3)), "0: what a Padding does"),
        (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")), "0: padding with reflect"),
        (SelfieNet(), "hardswish|Conv2d"),
    ],
    ids=["activation", "forward", "padding", "selfie"],
)
def test_a_convolution_without_an_8_bit_form_is_named_before_anything_is_measured_or_replaced(
    network: nn.Module, reason: str
) -> None:
    before = list(network.modules())
    for refuse in (lambda: observe(network, exact=()), lambda: quantize(network, {})):
        with pytest.raises(NoInt8Form, match=reason):
            refuse()
    assert list(network.modules()) == before


@pytest.mark.parametrize("span", [(0.0, 6.5), None])
def test_relu6_must_end_at_six_where_its_grid_ends(span: tuple[float, float] | None) -> None:
    """Its neighbour in a sum or a join may need more, and then nothing would cut it off."""
    network = nn.Sequential(ConvReLU6(3, 8, 1))
    with pytest.raises(NoInt8Form, match="ReLU6"):
        quantize(network, {} if span is None else {"0": span})
    quantize(network, {"0": (0.0, 6.0)})
    assert isinstance(network[0], QuantConv2d)


@pytest.mark.parametrize(("model", "family"), [("u2net", "u2net"), ("deeplab-voc", "deeplab")])
def test_the_models_that_come_with_ranges_have_nothing_that_is_refused(model: str, family: str) -> None:
    ranges = read_ranges(REPOSITORY / "model_store" / model / "int8.json")
    assert ranges is not None
    with torch.device("meta"):
        network = SEGMENTERS[family].network_type()
    quantize(network, ranges.spans)

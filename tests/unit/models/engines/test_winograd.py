"""Convolutions of bytes by tiles beside the same in torch."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from service.kernels import steps
from service.kernels.arena import Arena, Bytes
from service.kernels.steps import Step, Steps
from service.models.engines.winograd import PIXEL_TRANSFORMS, convolution, doubled, first_convolution, halved, packed

here = pytest.mark.skipif(not steps.can_run(), reason="compiled for processors with AVX2 and nothing for eight bits")

SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 23)
CHANNELS = st.sampled_from([16, 32, 80])


def levels(seed: int, height: int, width: int, channels: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def conv_of(seed: int, inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    """Its results are about as large as what it is given."""
    torch.manual_seed(seed)
    conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation).requires_grad_(False)
    nn.init.normal_(conv.weight, std=(1 / 3) * inputs**-0.5)
    return conv


def as_torch(source: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(source.astype(np.float32)).permute(2, 0, 1)[None]


def as_levels(values: Tensor) -> NDArray[np.int16]:
    return values[0].permute(1, 2, 0).round().clamp(0, 255).numpy().astype(np.int16)


def weights() -> Arena:
    return Arena.of_zeros(1 << 22)


def run(step: Step, threads: int = 1) -> None:
    Steps([step], threads).run()


@here
@given(height=SIDES, width=SIDES, inputs=CHANNELS, outputs=CHANNELS, dilation=st.sampled_from([1, 2, 4, 8]), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_convolution_gives_what_torch_does(
    height: int, width: int, inputs: int, outputs: int, dilation: int, seed: int
) -> None:
    source, conv = levels(seed, height, width, inputs), conv_of(seed, inputs, outputs, dilation)
    target = np.zeros((height, width, outputs), np.uint8)
    run(convolution(conv, source, target, (0.5, 0.25), weights()))
    exact = (conv(as_torch(source) * 0.5) / 0.25)[0].permute(1, 2, 0).numpy()
    assert np.abs(target - exact.clip(0, 255)).max() <= 0.5 + 0.01 * np.abs(exact).max()


@here
@pytest.mark.parametrize("size", [20, 40])
def test_many_channels_are_added_up_more_exactly_than_with_weights_of_eight_bits(size: int) -> None:
    """Small pictures are cut into tiles of 2x2, others into such of 4x4."""
    source, conv = levels(0, size, size, 512), conv_of(1, 512, 32)
    plane = np.zeros((size, size), np.float32)
    run(convolution(conv, source, plane, (1.0, 1.0), weights()))
    exact = conv(as_torch(source))[0, 0].numpy()
    step = conv.weight[:1].abs().max() / 127
    conv.weight[:] = (conv.weight / step).round() * step
    rounded = conv(as_torch(source))[0, 0].numpy()
    assert np.abs(plane - exact).mean() <= 0.4 * np.abs(rounded - exact).mean()


@here
@pytest.mark.parametrize("size", [20, 48])
@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_no_sum_is_too_large_for_its_bits(size: int, weight: float) -> None:
    conv = nn.Conv2d(1024, 16, 3, padding=1, bias=False).requires_grad_(False)
    signs = torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])
    conv.weight[:] = torch.where(torch.arange(16).view(16, 1, 1, 1) < 8, weight, weight * signs)
    source = np.full((size, size, 1024), 255, np.uint8)
    source[::2, 1::2] = 0
    plane = np.zeros((size, size), np.float32)
    run(convolution(conv, source, plane, (1.0, 1.0), weights()))
    expected = conv(as_torch(source))[0, 0].numpy()
    assert np.abs(plane - expected).max() <= 0.01 * np.abs(expected).max()  # one bit too many would be off by 2**32


@here
def test_it_writes_into_its_own_channels_alone_and_adds_what_it_is_told_to() -> None:
    conv, wide = conv_of(1, 16, 32), levels(2, 13, 9, 64)
    source, added, before = wide[:, :, 16:32], levels(3, 13, 9, 48)[:, :, 16:], wide.copy()
    run(convolution(conv, source, wide[:, :, 32:], (1.0, 1.0), weights(), added))
    convolved = as_levels(conv(as_torch(before[:, :, 16:32])))
    assert np.array_equal(wide[:, :, :32], before[:, :, :32])
    assert np.abs(wide[:, :, 32:] - np.minimum(convolved + added, 255)).max() <= 1


@here
@pytest.mark.parametrize("outputs", [16, 64, 96])
def test_the_first_convolution_takes_numbers(outputs: int) -> None:
    conv = conv_of(4, 3, outputs)
    picture = np.zeros((12, 17, 3), np.float32)
    picture[1:-1, 1:-1] = np.random.default_rng(5).normal(0, 100, (10, 15, 3))
    target = np.zeros((10, 15, outputs), np.uint8)
    run(first_convolution(conv, picture, target, 0.5))
    assert np.abs(target - as_levels(conv(as_torch(picture[1:-1, 1:-1])) / 0.5)).max() <= 1


@here
@given(height=SIDES, width=SIDES, seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_half_and_twice_the_size_are_what_torch_makes_of_it(height: int, width: int, seed: int) -> None:
    source = levels(seed, height, width, 32)
    half = np.zeros(((height + 1) // 2, (width + 1) // 2, 32), np.uint8)
    double = np.zeros((2 * height, 2 * width, 32), np.uint8)
    run(halved(source, half))
    run(doubled(source, double))
    assert np.array_equal(half, as_levels(F.max_pool2d(as_torch(source), 2, 2, ceil_mode=True)))
    enlarged = F.interpolate(as_torch(source), scale_factor=2, mode="bilinear", align_corners=False)
    assert np.array_equal(double, as_levels(torch.floor(enlarged + 0.5)))


@here
def test_threads_share_the_work_and_the_bytes_are_the_same() -> None:
    source, conv = levels(6, 96, 96, 64), conv_of(7, 64, 64)
    alone, together = (np.zeros((96, 96, 64), np.uint8) for _ in range(2))
    run(convolution(conv, source, alone, (1.0, 1.0), weights()))
    run(convolution(conv, source, together, (1.0, 1.0), weights()), threads=3)
    assert np.array_equal(alone, together)


@pytest.mark.parametrize("tile", [2, 4])
@given(seed=SEEDS, inputs=CHANNELS, loudest=st.sampled_from([0.0, 1e3, 1e6]), alike=st.booleans())
@settings(max_examples=20, deadline=None)
def test_no_weights_give_a_sum_that_its_bits_cannot_hold(
    tile: int, seed: int, inputs: int, loudest: float, alike: bool
) -> None:
    conv = conv_of(seed, inputs, 16)
    if alike:
        conv.weight.abs_()
    conv.weight[3, 0, 1, 1] = loudest
    transform = PIXEL_TRANSFORMS[tile]
    signs = np.sign(np.einsum("ai,bj->abij", transform, transform))
    brightest = np.where(signs > 0, 255, 0), np.where(signs < 0, 255, 0)
    values = [np.abs(np.einsum("ai,bj,abij->ab", transform, transform, pixels)).ravel() for pixels in brightest]
    largest = np.maximum(*values).astype(np.int64)
    integers = np.abs(packed(conv, tile, 1.0, 1.0, weights()).weights.astype(np.int64))
    assert (integers.sum(axis=(2, 4)) * largest[:, np.newaxis]).max() < 2**31
    assert 2 * (integers.max(axis=(2, 3, 4)) * largest).max() < 2**31
    assert largest.max() < 2**15


def test_weights_that_are_all_0_are_packed() -> None:
    conv = nn.Conv2d(16, 1, 3, padding=1).requires_grad_(False)
    conv.weight[:] = 0
    of_conv = packed(conv, 4, 1.0, 1.0, weights())
    assert not of_conv.weights.any()
    assert np.isfinite(of_conv.scales).all()


def test_a_library_of_another_version_is_not_called(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    upgraded = tmp_path / "winograd.so"
    upgraded.write_bytes(steps.LIBRARY.read_bytes() + b"\0")
    assert steps.load(upgraded) is None
    assert "of another version" in caplog.text

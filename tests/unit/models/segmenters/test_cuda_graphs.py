"""Batches on a GPU, as far as a CPU can tell: sizes, padding, order, memory that is used again, and failed recordings.

The device here is the CPU, and what stands in for a CUDA graph reads and answers in fixed places, as one does.
tests/gpu/ has the same on a GPU.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from service.configuration_errors import RecordingFailed
from service.models.labels import Scores
from service.models.segmenters.base import Pixels
from service.models.segmenters.cuda_graphs import Capture, Compute, Replay, batch_sizes
from service.models.segmenters.devices import Device
from service.models.store import Checkpoint, ModelStore
from tests.fakes import ClassesSegmenter, make_store

LARGEST = 6


class StandIn:
    """In the place of CudaCapture."""

    def __init__(self) -> None:
        self.captured: list[int] = []
        self.replayed: list[int] = []

    def __call__(self, compute: Compute, pixels: Tensor) -> Replay:
        self.captured.append(len(pixels))
        scores = compute(pixels)

        def replay() -> Tensor:
            self.replayed.append(len(pixels))
            return scores.copy_(compute(pixels))

        return replay


class FailingCapture(StandIn):
    """Fails as a real one does: the error behind it is followed by one that says little."""

    def __call__(self, compute: Compute, pixels: Tensor) -> Replay:
        super().__call__(compute, pixels)
        try:
            raise torch.OutOfMemoryError("CUDA out of memory.\nCompile with `TORCH_USE_CUDA_DSA`")
        except torch.OutOfMemoryError:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")  # noqa: B904


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    store = ModelStore(make_store(tmp_path_factory.mktemp("graphs")))
    return store.checkpoint(store.card("tiny-classes"))


def segmenter(checkpoint: Checkpoint, capture: Capture | None, largest: int = LARGEST) -> ClassesSegmenter:
    device = Device(torch.device("cpu"), torch.float32, staged=True, capture=capture)
    made = ClassesSegmenter.load(checkpoint, device)
    made.expect(largest)
    return made


def noise(checkpoint: Checkpoint, count: int, seed: int = 0) -> list[Pixels]:
    size = checkpoint.card.input
    values = np.random.default_rng(seed).integers(0, 256, (count, size.height, size.width, 3), np.uint8)
    return list(values)


def assert_each_gets_its_own(found: Sequence[Scores], checkpoint: Checkpoint, images: Sequence[Pixels]) -> None:
    plain = ClassesSegmenter.load(checkpoint, Device.find("cpu"))
    assert len(found) == len(images)
    for scores, image in zip(found, images, strict=True):
        np.testing.assert_allclose(scores, plain.predict([image])[0], rtol=1e-4, atol=1e-4)


@given(st.integers(1, 200))
def test_sizes_start_at_one_and_double_until_the_largest(largest: int) -> None:
    sizes = batch_sizes(largest)
    assert (sizes[0], sizes[-1]) == (1, largest)
    assert all(small < large <= 2 * small for small, large in itertools.pairwise(sizes))


def test_every_size_is_captured_once_the_largest_first(checkpoint: Checkpoint) -> None:
    capture = StandIn()
    segmenter(checkpoint, capture)
    assert capture.captured == [6, 4, 2, 1]


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 6), (6, 6)])
def test_a_batch_is_padded_to_the_next_size_and_each_image_gets_its_own_scores(
    checkpoint: Checkpoint, count: int, size: int
) -> None:
    capture = StandIn()
    under_test = segmenter(checkpoint, capture)
    under_test.predict(noise(checkpoint, LARGEST, seed=1))  # leaves something behind
    capture.replayed.clear()
    images = noise(checkpoint, count)
    assert_each_gets_its_own(under_test.predict(images), checkpoint, images)
    assert capture.replayed == [size]


def test_scores_stay_as_they_are_when_the_next_batch_runs(checkpoint: Checkpoint) -> None:
    under_test = segmenter(checkpoint, StandIn())
    first = under_test.predict(noise(checkpoint, 4, seed=1))
    kept = [scores.copy() for scores in first]
    under_test.predict(noise(checkpoint, 4, seed=2))
    for before, after in zip(kept, first, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("capture", [StandIn(), None])
def test_a_batch_larger_than_expected_is_computed_all_the_same(checkpoint: Checkpoint, capture: Capture | None) -> None:
    images = noise(checkpoint, LARGEST + 1)
    assert_each_gets_its_own(segmenter(checkpoint, capture).predict(images), checkpoint, images)


def test_without_graphs_a_batch_is_computed_as_it_is(checkpoint: Checkpoint) -> None:
    images = noise(checkpoint, 5)
    assert_each_gets_its_own(segmenter(checkpoint, None).predict(images), checkpoint, images)


def test_a_failed_recording_is_told_by_its_cause_in_one_line(checkpoint: Checkpoint) -> None:
    with pytest.raises(RecordingFailed) as failed:
        segmenter(checkpoint, FailingCapture())
    assert str(failed.value) == "OutOfMemoryError: CUDA out of memory."


def test_a_cpu_keeps_nothing_for_batches_to_come() -> None:
    device = Device.find("cpu")
    assert (device.staged, device.capture) == (False, None)

"""CUDA graphs beside the same networks launched kernel by kernel, and beside float32 on the CPU."""

import numpy as np
import pytest
import torch
from torch import Tensor

from service.labels import Scores
from service.segmenters import SEGMENTERS
from service.segmenters.base import Pixels, TorchSegmenter
from service.segmenters.devices import Device
from service.store import Checkpoint, ModelStore
from tests.expected.make_expected import padded_astronaut
from tests.fakes import ClassesSegmenter
from tests.weights import model_card, pulled_weights

MODELS = ["u2net", "selfie", "deeplab-voc"]
LARGEST = 6


class WaitingSegmenter(ClassesSegmenter):
    """Looks at a number on the CPU in the middle of its work, which cannot be recorded."""

    def forward(self, batch: Tensor) -> Tensor:
        return super().forward(batch) + float(batch.mean().item()) * 0


def load(model: str, device: Device) -> TorchSegmenter:
    card = model_card(model)
    return SEGMENTERS[card.family].load(Checkpoint(card, pulled_weights(model)), device)


def expecting(model: str, device: Device) -> TorchSegmenter:
    segmenter = load(model, device)
    segmenter.expect(LARGEST)
    return segmenter


@pytest.fixture(scope="module")
def graphs() -> Device:
    return Device.find("cuda")


@pytest.fixture(scope="module")
def kernels() -> Device:
    return Device.find("cuda", cuda_graphs=False)


def photos(model: str, count: int) -> list[Pixels]:
    """The same photo, moved a little further in each, so that no two have the same scores."""
    size = model_card(model).input
    photo = padded_astronaut()[: size.height, -size.width :]
    return [np.ascontiguousarray(np.roll(photo, 23 * index, axis=1)) for index in range(count)]


def largest_difference(ours: list[Scores], theirs: list[Scores]) -> float:
    return max(float(np.abs(one - other).max()) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_in_half_precision_the_scores_are_near_those_of_the_cpu(model: str, graphs: Device) -> None:
    images = photos(model, LARGEST)
    exact = load(model, Device.find("cpu")).predict(images)
    found = expecting(model, graphs).predict(images)
    for ours, theirs in zip(found, exact, strict=True):
        assert np.mean(np.abs(ours - theirs)) < 0.01 * max(1.0, float(np.ptp(theirs)))


@pytest.mark.parametrize("count", range(1, LARGEST + 1))
@pytest.mark.parametrize("model", MODELS)
def test_a_replayed_batch_of_any_size_gives_what_single_launches_give(
    model: str, count: int, graphs: Device, kernels: Device
) -> None:
    replaying, launching = expecting(model, graphs), load(model, kernels)
    assert graphs.trouble is None
    replaying.predict(photos(model, LARGEST)[::-1])  # leaves something behind
    images = photos(model, count)
    expected = [launching.predict([image])[0] for image in images]
    # cuDNN may choose another algorithm for another size of batch, and all of them round in half precision.
    spread = max(float(np.ptp(scores)) for scores in expected)
    assert largest_difference(replaying.predict(images), expected) < 0.02 * max(1.0, spread)


def test_models_that_share_a_worker_do_not_disturb_each_other(graphs: Device) -> None:
    """Their graphs compute in the same memory."""
    segmenters = {model: expecting(model, graphs) for model in MODELS}
    first = {model: segmenters[model].predict(photos(model, 3)) for model in MODELS}
    for model in (*reversed(MODELS), *MODELS):
        assert largest_difference(segmenters[model].predict(photos(model, 3)), first[model]) < 0.001


def test_graphs_were_recorded_and_batches_take_no_more_memory(graphs: Device) -> None:
    segmenter = expecting("u2net", graphs)
    assert graphs.trouble is None
    segmenter.predict(photos("u2net", LARGEST))
    held = graphs.memory_bytes()
    assert held > 0
    for count in (*range(1, LARGEST + 1), 1):
        segmenter.predict(photos("u2net", count))
    assert graphs.memory_bytes() == held


def test_what_cannot_be_recorded_is_told_and_computed_kernel_by_kernel(tiny_store: ModelStore) -> None:
    device = Device.find("cuda")
    checkpoint = tiny_store.checkpoint(tiny_store.card("tiny-classes"))
    before = torch.cuda.current_stream()
    waiting, next_model = (family.load(checkpoint, device) for family in (WaitingSegmenter, ClassesSegmenter))
    for segmenter in (waiting, next_model):
        segmenter.expect(LARGEST)
    assert device.trouble is not None
    assert "\n" not in device.trouble
    assert torch.cuda.current_stream() == before
    size = checkpoint.card.input
    images = [np.full((size.height, size.width, 3), value, np.uint8) for value in (10, 200, 90)]
    expected = ClassesSegmenter.load(checkpoint, Device.find("cpu")).predict(images)
    for segmenter in (waiting, next_model):
        assert largest_difference(segmenter.predict(images), expected) < 0.1


def test_a_device_that_is_full_is_diagnosed_and_works_on(kernels: Device) -> None:
    segmenter = load("u2net", kernels)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(kernels.torch_device).total_memory
    torch.cuda.set_per_process_memory_fraction((kernels.memory_bytes() + 64e6) / total, kernels.torch_device)
    try:
        with pytest.raises(torch.OutOfMemoryError) as full:
            segmenter.predict(photos("u2net", 32))
        assert kernels.diagnose(full.value) == "memory"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, kernels.torch_device)
    assert len(segmenter.predict(photos("u2net", 2))) == 2

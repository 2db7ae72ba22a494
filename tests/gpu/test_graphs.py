"""CUDA graphs beside the same networks launched kernel by kernel, and beside float32 on the CPU."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from service.models.inputs import fit
from service.models.labels import Scores
from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import Pixels, TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.store import Checkpoint
from tests.weights import model_card, pulled_weights

MODELS = ["u2net", "u2netp", "selfie", "deeplab-voc"]
LARGEST = 6


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
    """The astronaut, moved further to the side in each, so that no two have the same scores."""
    pixels, _ = fit(Image.fromarray(data.astronaut()), model_card(model))
    step = pixels.shape[1] // LARGEST
    return [np.ascontiguousarray(np.roll(pixels, step * index, axis=1)) for index in range(count)]


def largest_difference(ours: list[Scores], theirs: list[Scores]) -> float:
    """The mean difference of the image that differs most, as a share of what its scores span.

    Half precision was measured on a CPU, with other pictures, at 0.002 from float32, and at 0.15 in the worst pixel.
    """
    return max(float(np.abs(one - other).mean() / np.ptp(other)) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_in_half_precision_the_scores_are_near_those_of_the_cpu(model: str, graphs: Device) -> None:
    images = photos(model, LARGEST)
    exact = load(model, Device.find("cpu")).predict(images)
    assert largest_difference(expecting(model, graphs).predict(images), exact) < 0.01


@pytest.mark.parametrize("count", range(1, LARGEST + 1))
@pytest.mark.parametrize("model", MODELS)
def test_a_replayed_batch_of_any_size_gives_what_single_launches_give(
    model: str, count: int, graphs: Device, kernels: Device
) -> None:
    replaying, launching = expecting(model, graphs), load(model, kernels)
    replaying.predict(photos(model, LARGEST)[::-1])  # leaves something behind
    images = photos(model, count)
    expected = [launching.predict([image])[0] for image in images]
    # Not the same to the bit: cuDNN may choose another algorithm for another size of batch.
    assert largest_difference(replaying.predict(images), expected) < 0.01


def test_models_that_share_a_worker_do_not_disturb_each_other(graphs: Device) -> None:
    """Their graphs compute in the same memory."""
    segmenters = {model: expecting(model, graphs) for model in MODELS}
    first = {model: segmenters[model].predict(photos(model, 3)) for model in MODELS}
    for model in (*reversed(MODELS), *MODELS):
        assert largest_difference(segmenters[model].predict(photos(model, 3)), first[model]) < 0.001


def test_once_batches_are_expected_they_take_no_more_memory(graphs: Device) -> None:
    segmenter = expecting("u2net", graphs)
    segmenter.predict(photos("u2net", LARGEST))
    held = graphs.memory_bytes()
    assert held > 0
    for count in (*range(1, LARGEST + 1), 1):
        segmenter.predict(photos("u2net", count))
    assert graphs.memory_bytes() == held


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

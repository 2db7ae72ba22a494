"""Each network against the runtime that it was published for, on a photo of a person."""

import copy
import gc
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from skimage import data

from service.models.segmenters import SEGMENTERS
from service.models.segmenters.base import Pixels, TorchSegmenter
from service.models.segmenters.devices import Device
from service.models.segmenters.disagreement import disagreement
from service.models.segmenters.u2net import StageSpec, make_quieter
from service.models.store import Checkpoint, ModelCard
from service.models.store.card import Precision
from service.models.store.convert import CONVERTERS
from service.models.store.int8_ranges import read_ranges
from tests.expected.make_expected import halved_astronaut, padded_astronaut
from tests.processor import needs_int8
from tests.weights import REPOSITORY, model_card, original, pulled_weights

EXPECTED = Path(__file__).parents[3] / "expected"
MODELS = ["u2net", "u2netp", "selfie", "deeplab-voc"]

TORCH = Device(torch.device("cpu"), torch.float32, staged=False)

Scores = NDArray[np.float32]


@cache
def segmenter(model: str) -> TorchSegmenter:
    return load(model_card(model))


@cache
def in_torch(model: str) -> TorchSegmenter:
    """As it is computed where OpenVINO cannot be installed."""
    return load(model_card(model), device=TORCH)


@cache
def half_as_large(model: str) -> ModelCard:
    """The card with half the sides: what does not depend on the size is shown in a quarter of the time."""
    card = model_card(model)
    sides = {"width": card.input.width // 2, "height": card.input.height // 2}
    return card.model_copy(update={"input": card.input.model_copy(update=sides)})


def load(card: ModelCard, precision: Precision = "fp32", device: Device | None = None) -> TorchSegmenter:
    model, card = card.name, card.model_copy(update={"precision": precision})
    ranges = read_ranges(REPOSITORY / "model_store" / model / "int8.json")
    checkpoint = Checkpoint(card, pulled_weights(model), ranges)
    return SEGMENTERS[card.family].load(checkpoint, device or Device.find("cpu"))


def photo(card: ModelCard) -> Pixels:
    """A part of the photo, at the size that the model wants."""
    size = card.input
    return np.ascontiguousarray(padded_astronaut()[: size.height, -size.width :])


@pytest.mark.parametrize("model", ["u2net", "u2netp"])
def test_u2net_is_what_onnxruntime_computes(model: str) -> None:
    # Darkened, because training divided by the brightest value of each picture, which is rarely 255.
    dark = data.astronaut()[96:416, 96:416] // 2
    expected = in_onnxruntime(model, dark)
    np.testing.assert_allclose(segmenter(model).predict([dark])[0], expected, rtol=0, atol=1e-4)


def in_onnxruntime(model: str, image: Pixels) -> Scores:
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    normalised = (image / image.max() - mean) / std
    session = onnxruntime.InferenceSession(original(model), providers=["CPUExecutionProvider"])
    batch = normalised.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    fused: Scores = session.run(None, {session.get_inputs()[0].name: batch})[0][0]
    return fused


def test_selfie_is_what_mediapipe_computes() -> None:
    expected = np.load(EXPECTED / "selfie.npz")["person"]
    person = segmenter("selfie").predict([halved_astronaut()])[0][0]
    # The expected values are kept in half precision.
    np.testing.assert_allclose(person, expected, rtol=0, atol=5e-4)


def test_deeplab_labels_pixels_as_the_tflite_runtime_does() -> None:
    expected = np.load(EXPECTED / "deeplab.npz")["labels"]
    logits = torch.from_numpy(segmenter("deeplab-voc").predict([padded_astronaut()])[0])
    enlarged = F.interpolate(logits[None], size=expected.shape, mode="bilinear", align_corners=True)
    labels = enlarged[0].argmax(dim=0).numpy()
    # The runtime computes in 8 bits, so the edges differ. A wrong dilation in one layer gave 0.945.
    assert np.mean(labels == expected) > 0.985


@pytest.mark.parametrize("model", MODELS)
def test_scores_have_the_shape_that_the_card_promises(model: str) -> None:
    scores = segmenter(model).predict([photo(model_card(model))])[0]
    assert scores.shape == model_card(model).score_shape
    assert scores.dtype == np.float32


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_gives_each_image_what_it_gets_alone(model: str) -> None:
    card = half_as_large(model)
    images, network = [photo(card), photo(card)[::-1, ::-1] // 2], load(card)
    together = network.predict(images)
    alone = [network.predict([image])[0] for image in images]
    for batched, single in zip(together, alone, strict=True):
        np.testing.assert_allclose(batched, single, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_a_black_image_gives_finite_scores(model: str) -> None:
    black = np.zeros_like(photo(half_as_large(model)))
    assert np.isfinite(load(half_as_large(model)).predict([black])[0]).all()


@needs_int8
@pytest.mark.parametrize(("model", "same"), [("u2net", 0.99), ("u2netp", 0.99), ("deeplab-voc", 0.97)])
def test_in_eight_bits_nearly_every_pixel_gets_the_same_class(model: str, same: float) -> None:
    assert disagreement(segmenter(model), load(model_card(model), "int8"), [photo(model_card(model))]) < 1 - same


def test_a_stage_whose_channels_were_made_quieter_computes_the_same() -> None:
    stage = StageSpec(6, 128, 16, 64).build().requires_grad_(False)
    x = torch.rand(1, 128, 32, 48, generator=torch.Generator().manual_seed(0))
    quieter = copy.deepcopy(stage)
    make_quieter(quieter)
    assert not torch.equal(quieter.state_dict()["decoder.3.weight"], stage.state_dict()["decoder.3.weight"])
    assert torch.equal(quieter(x), stage(x))


@pytest.mark.parametrize("model", MODELS)
def test_openvino_computes_what_torch_does(model: str) -> None:
    image = photo(model_card(model))
    exact = in_torch(model).predict([image])[0]
    assert np.ptp(exact) > 0.5  # a person is in the picture
    np.testing.assert_allclose(segmenter(model).predict([image])[0], exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize("precision", ["fp32", pytest.param("int8", marks=needs_int8)])
def test_a_network_that_was_compiled_lets_go_of_the_file_of_weights(precision: Precision, tmp_path: Path) -> None:
    """Its own are packed for the processor; those of the file would only fill memory beside them."""
    weights = tmp_path / "model.safetensors"
    shutil.copy(pulled_weights("deeplab-voc"), weights)
    ranges = read_ranges(REPOSITORY / "model_store" / "deeplab-voc" / "int8.json")
    card = model_card("deeplab-voc").model_copy(update={"precision": precision})
    network = SEGMENTERS["deeplab"].load(Checkpoint(card, weights, ranges), Device.find("cpu"))
    gc.collect()
    assert not mapped_spans(weights)
    assert network.predict([photo(card)])[0].shape == card.score_shape


def test_workers_of_torch_share_the_float_weights_through_the_file() -> None:
    """A copy in another order would be 176 MB of each worker's own."""
    network = in_torch("u2net").network
    spans = mapped_spans(pulled_weights("u2net"))
    assert all(any(tensor.data_ptr() in span for span in spans) for tensor in network.parameters())


def mapped_spans(file: Path) -> list[range]:
    """The addresses at which this process has mapped the file."""
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    addresses = [line[0].split("-") for line in maps if line[-1] == str(file.resolve())]
    return [range(int(start, 16), int(end, 16)) for start, end in addresses]


@pytest.mark.parametrize("family", SEGMENTERS)
def test_the_converter_names_every_layer_in_the_order_of_the_module(family: str) -> None:
    with torch.device("meta"):
        network = SEGMENTERS[family].network_type()
    names = [f"{layer}.{kind}" for layer in CONVERTERS[family].layers for kind in ("weight", "bias")]
    assert names == list(network.state_dict())


def test_every_family_has_a_segmenter_and_a_converter() -> None:
    assert SEGMENTERS.keys() == CONVERTERS.keys()


@pytest.mark.parametrize("model", MODELS)
def test_in_half_precision_as_on_a_gpu_nearly_every_pixel_gets_the_same_class(model: str) -> None:
    """Half as large, because a CPU without instructions for half precision takes many times as long."""
    card = half_as_large(model)
    half = load(card, "fp16", Device(torch.device("cpu"), torch.float16, staged=False))
    assert disagreement(load(card), half, [photo(card)]) < 0.01


@pytest.mark.parametrize("model", MODELS)
def test_nothing_between_pixels_and_scores_waits_for_the_device(model: str) -> None:
    """A CUDA graph could not be recorded of it. On the meta device a tensor has no content to wait for."""
    card, device = model_card(model), Device(torch.device("meta"), torch.float16, staged=False)
    with device.torch_device:
        network = SEGMENTERS[card.family].network_type().eval().requires_grad_(False)
    pixels = torch.empty((2, card.input.height, card.input.width, 3), dtype=torch.uint8, device="meta")
    scores = SEGMENTERS[card.family](card, network, device).compute(pixels)
    assert scores.shape == (2, *card.score_shape)
    assert (scores.dtype, scores.device.type, scores.is_contiguous()) == (torch.float32, "meta", True)


@pytest.mark.filterwarnings("ignore:TF32")  # torch's own switch warns of GPUs that are not here
@pytest.mark.parametrize("model", ["selfie", "deeplab-voc"])
def test_convolving_and_activating_in_one_call_gives_what_torch_gives_in_two(model: str) -> None:
    image = photo(model_card(model))
    fused = in_torch(model).predict([image])[0]
    with torch.backends.mkldnn.flags(enabled=False):
        plain = in_torch(model).predict([image])[0]
    assert np.ptp(plain) > 0.5  # a person is in the picture
    np.testing.assert_allclose(fused, plain, rtol=1e-4, atol=1e-4)

"""ONNX graphs as segmenters: pixels in as each network wants them, scores out as decisions want them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from service.configuration_errors import ConfigurationError
from service.models.segmenters import FAMILIES
from service.models.segmenters.devices import Device
from service.models.segmenters.graphs import OnnxRuntimeGraph, open_graph
from service.models.segmenters.onnx import IMPOSSIBLE_LOGIT, OnnxSegmenter, normalise, prepare, scores_of
from service.models.store import Checkpoint, ModelCard
from service.models.store.card import InputSpec, OutputSpec, read_card
from service.workers import precision
from tests.fakes import make_store
from tests.networks import Convolved, export

HEIGHT, WIDTH = 6, 8

PIXELS = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def input_spec(**changes: Any) -> InputSpec:
    told = {"width": WIDTH, "height": HEIGHT, "resize": "stretch", "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 1.0)}
    return InputSpec.model_validate({**told, **changes})


def output_spec(**changes: Any) -> OutputSpec:
    return OutputSpec.model_validate({"head": "softmax", "width": WIDTH, "height": HEIGHT, **changes})


def card(tmp_path: Path, classes: int = 3, **output: Any) -> ModelCard:
    name = "tiny-classes" if classes == 3 else "tiny-subject"
    tiny = read_card(make_store(tmp_path / "store") / name / "card.toml")
    shown, given = input_spec(), output_spec(head=tiny.output.head, **output)
    return tiny.model_copy(update={"family": "onnx", "input": shown, "output": given})


@pytest.mark.parametrize(("scale", "divisor"), [("unit", 255), ("byte", 1), ("brightest", int(PIXELS.max() // 2))])
def test_pixels_are_normalised_as_the_card_says(scale: str, divisor: int) -> None:
    dark = PIXELS // 2
    expected = (dark / divisor - (0.1, 0.2, 0.3)) / (0.5, 0.25, 1.0)
    np.testing.assert_allclose(normalise(dark, input_spec(scale=scale)), expected.transpose(2, 0, 1), rtol=1e-6)


def test_a_black_picture_is_divided_by_nothing() -> None:
    assert np.isfinite(normalise(np.zeros_like(PIXELS), input_spec(scale="brightest"))).all()


def test_colours_come_in_the_order_and_place_that_the_graph_takes() -> None:
    spec = input_spec(mean=(0, 0, 0), std=(1, 1, 1), scale="byte", layout="nhwc", order="bgr")
    np.testing.assert_array_equal(prepare(PIXELS, spec), PIXELS[:, :, ::-1])


def answers(**output: Any) -> NDArray[Any]:
    """Of a row of three pixels."""
    given = output.pop("given")
    channels = output.pop("channels")
    spec = output_spec(width=3, height=1, **output)
    return scores_of(np.array(given, np.float32), spec, (channels, 1, 3))


def test_logits_of_one_class_become_probabilities() -> None:
    scores = answers(head="sigmoid", values="logits", channels=1, given=[[[-1000, 0, 1000]]])
    np.testing.assert_allclose(scores, [[[0, 0.5, 1]]])


def test_a_soft_mask_is_kept_and_never_leaves_0_to_1() -> None:
    scores = answers(head="sigmoid", values="probabilities", channels=1, given=[[-0.1, 0.25, 1.2]])
    np.testing.assert_allclose(scores, [[[0, 0.25, 1]]])


def test_probabilities_of_classes_become_logits_that_mean_the_same() -> None:
    given = np.array([[[0.7, 0.2, 1]], [[0.2, 0.5, 0]], [[0.1, 0.3, 0]]])
    logits = answers(values="probabilities", channels=3, given=given)
    exponentials = np.exp(logits)
    np.testing.assert_allclose(exponentials / exponentials.sum(axis=0), given, atol=1e-5)


def test_a_map_of_labels_is_sure_of_each() -> None:
    scores = answers(values="labels", channels=3, given=[[0, 2, 1]])
    assert scores.argmax(axis=0).tolist() == [[0, 2, 1]]
    assert np.ptp(scores, axis=0).min() > 10


def test_labels_of_a_network_without_background_count_from_one() -> None:
    scores = answers(values="labels", has_background=False, channels=4, given=[[0, 2, 1]])
    assert scores.argmax(axis=0).tolist() == [[1, 3, 2]]


def test_where_a_network_has_no_background_that_is_never_answered() -> None:
    scores = answers(values="logits", has_background=False, channels=3, given=[[[-50, 1, 2]], [[-60, 2, 1]]])
    assert (scores[0] == IMPOSSIBLE_LOGIT).all()
    assert scores.argmax(axis=0).tolist() == [[1, 2, 1]]


def test_channels_may_come_last() -> None:
    given = np.zeros((1, 3, 5), np.float32)
    assert answers(layout="nhwc", channels=5, given=given).shape == (5, 1, 3)


def test_an_answer_of_another_shape_than_promised_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"promises scores of \(4, 1, 3\), the graph gives \(3, 1, 3\)"):
        answers(channels=4, given=np.zeros((3, 1, 3)))


# --- whole graphs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    return export(Convolved(3), tmp_path / "model.onnx", HEIGHT, WIDTH, open_sizes=True)


def test_a_graph_answers_what_its_network_does(tmp_path: Path, exported: Path) -> None:
    segmenter = FAMILIES["onnx"].load(Checkpoint(card(tmp_path), exported), Device.find("cpu"))
    first, second = segmenter.predict([PIXELS, PIXELS[::-1]])
    np.testing.assert_allclose(first, of_torch(PIXELS), atol=1e-5)
    np.testing.assert_allclose(second, of_torch(PIXELS[::-1]), atol=1e-5)


def of_torch(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.inference_mode():
        pictures = torch.from_numpy(normalise(pixels, input_spec()))[None]
        result: NDArray[np.float32] = Convolved(3).eval()(pictures)[0].numpy()
    return result


def test_onnxruntime_answers_the_same(tmp_path: Path, exported: Path) -> None:
    """It takes OpenVINO's place on machines that have none."""
    segmenter = OnnxSegmenter(card(tmp_path), OnnxRuntimeGraph(exported, 0, Device.find("cpu")))
    np.testing.assert_allclose(segmenter.predict([PIXELS])[0], of_torch(PIXELS), atol=1e-5)


def test_a_graph_that_cannot_run_is_told_in_one_line(exported: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"OpenVINO cannot run model\.onnx: [^\n]+$"):
        open_graph(exported, (4, HEIGHT, WIDTH), 0, Device.find("cpu"))


def test_a_gpu_that_onnxruntime_cannot_use_is_told(exported: Path) -> None:
    """By itself it would compute on the CPU instead."""
    device = Device(torch.device("cuda:0"), torch.float16, staged=True)
    with pytest.raises(ConfigurationError, match="onnx-gpu"):
        OnnxRuntimeGraph(exported, 0, device)


def test_a_graph_that_wants_half_precision_gets_it(tmp_path: Path) -> None:
    node = helper.make_node("Sigmoid", ["picture"], ["mask"])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT16, [1, 3, HEIGHT, WIDTH]) for name in ("picture", "mask")
    ]
    onnx.save(helper.make_model(helper.make_graph([node], "half", ends[:1], ends[1:])), tmp_path / "half.onnx")
    segmenter = OnnxSegmenter.load(Checkpoint(card(tmp_path), tmp_path / "half.onnx"), Device.find("cpu"))
    expected = 1 / (1 + np.exp(-normalise(PIXELS, input_spec())))
    np.testing.assert_allclose(segmenter.predict([PIXELS])[0], expected, atol=2e-3)


def test_on_a_gpu_a_graph_says_that_it_computes_in_float32(tmp_path: Path) -> None:
    (planned,) = precision.on_cuda([Checkpoint(card(tmp_path), tmp_path / "model.onnx")])
    assert planned.card.label == "tiny-classes@1"

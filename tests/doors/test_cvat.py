"""The example for CVAT's agent, with CVAT's own types and its own reader of masks."""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes import DARK
from tests.pictures import HEIGHT, WIDTH, painted, plain, red_and_blue, ring
from tests.system.serving import Server
from tests.unit.pixels.encoders.test_codecs import fill
from tests.weights import REPOSITORY

cvataa = pytest.importorskip("cvat_sdk.auto_annotation")
driver = pytest.importorskip("cvat_sdk.auto_annotation.driver")
sdk_masks = pytest.importorskip("cvat_sdk.masks")

EXAMPLE: Path = REPOSITORY / "examples" / "cvat_function.py"


def example() -> Any:
    """As `cvat-cli function ... --function-file` loads it."""
    spec = importlib.util.spec_from_file_location("cvat_function", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def function(server: Server) -> Any:
    return example().create(url=server.url)


def detected(function: Any, picture: Any, **context: Any) -> list[Any]:
    given = driver._DetectionFunctionContextImpl(frame_name="photo.png", **context)
    return list(function.detect(given, picture))


def decoded(shape: Any) -> Any:
    return sdk_masks.decode_mask(shape.points, image_width=WIDTH, image_height=HEIGHT)


def is_red(picture: Any) -> Any:
    return np.asarray(picture)[..., 0] > 100


def test_the_labels_are_the_classes_of_the_model_that_knows_many(function: Any) -> None:
    assert isinstance(function.spec, cvataa.DetectionFunctionSpec)
    assert [(label.id, label.name, label.type) for label in function.spec.labels] == [
        (1, "red", "mask"),
        (2, "blue", "mask"),
    ]


def test_each_class_is_one_mask_shape_that_cvat_reads_back(function: Any) -> None:
    found = detected(function, red_and_blue())
    assert [(shape.type.value, shape.label_id, shape.frame) for shape in found] == [("mask", 1, 0), ("mask", 2, 0)]
    assert np.array_equal(decoded(found[0]), is_red(red_and_blue()))


def test_holes_are_left_out_of_a_mask_and_of_polygons(function: Any) -> None:
    (mask,) = detected(function, ring())
    assert np.array_equal(decoded(mask), is_red(ring()))
    polygons = detected(function, ring(), conv_mask_to_poly=True)
    assert {shape.type.value for shape in polygons} == {"polygon"}
    rings = [np.reshape(shape.points, (-1, 2)).astype(int).tolist() for shape in polygons]
    assert np.array_equal(fill(rings, (HEIGHT, WIDTH)), is_red(ring()))


def test_nothing_is_no_shape(function: Any) -> None:
    assert detected(function, plain(DARK)) == []


def test_classes_below_the_threshold_are_left_out(function: Any) -> None:
    assert detected(function, painted(), conf_threshold=1.0) == []
    assert len(detected(function, painted(), conf_threshold=0.5)) == 1


def test_a_model_that_is_not_loaded_is_told_with_those_that_are(server: Server) -> None:
    with pytest.raises(LookupError, match="tiny-subject, tiny-classes"):
        example().create(url=server.url, model="nobody")


# --- the interactor ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prompts:
    """As the agent hands them over."""

    pos_points: list[tuple[float, float]] = field(default_factory=list)
    neg_points: list[tuple[float, float]] = field(default_factory=list)
    bounding_box: tuple[tuple[float, float], tuple[float, float]] | None = None


@pytest.fixture(scope="module")
def interactor(server: Server) -> Any:
    return example().create(url=server.url, kind="interactor", model="tiny-subject")


def interacted(interactor: Any, picture: Any, prompts: Prompts) -> Any:
    """(H, W): the mask that comes back, read by CVAT's own reader; None where none does."""
    shapes = interactor.detect(None, interactor.preprocess_image(None, picture), prompts)
    assert [shape.type for shape in shapes] in ([], ["mask"])
    return sdk_masks.decode_mask(shapes[0].points, image_width=WIDTH, image_height=HEIGHT) if shapes else None


def test_the_interactor_takes_points_of_both_kinds_and_a_box(interactor: Any) -> None:
    assert isinstance(interactor.spec, cvataa.InteractionFunctionSpec)
    mask = interacted(interactor, red_and_blue(), Prompts([(150.5, 60.5)], [(50.5, 60.5)]))
    assert (mask[60, 150], mask[60, 50]) == (True, False)
    boxed = interacted(interactor, red_and_blue(), Prompts(bounding_box=((0.0, 0.0), (50.0, 120.0))))
    assert boxed[60, 40]
    assert not boxed[:, 50:].any()


def test_the_interactor_sends_no_shape_where_there_is_nothing(interactor: Any) -> None:
    assert interacted(interactor, plain(DARK), Prompts(neg_points=[(5.0, 5.0)])) is None

"""`silhouette models evaluate`, with tiny networks whose answers are known: the page, the sheet and the figures."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli import main
from service.cli.evaluation.gallery import Gallery, Shown
from service.cli.evaluation.measures import ClassMeasure, Measure, SubjectMeasure, subject_of
from service.cli.evaluation.page import page
from service.cli.evaluation.pairs import find_pairs
from service.cli.evaluation.results import Evaluation, ModelResult
from service.cli.evaluation.run import galleries_for, run
from service.configuration_errors import ConfigurationError
from tests.fakes import BLUE, DARK, RED, make_store, tiny_families

WIDTH, HEIGHT = 64, 48

Evaluate = Callable[..., Evaluation]


def striped(*colors: tuple[int, int, int]) -> Image.Image:
    """Upright stripes of one width."""
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    step = WIDTH // len(colors)
    for number, color in enumerate(colors):
        picture.paste(color, (number * step, 0, (number + 1) * step, HEIGHT))
    return picture


def numbered(*numbers: int) -> Image.Image:
    return striped(*((number, number, number) for number in numbers)).convert("L")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    return tmp_path / "images", tmp_path / "masks"


@pytest.fixture
def evaluate(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Of pictures and masks by name."""
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(make_store(tmp_path / "store")))
    monkeypatch.setenv("SILHOUETTE_DEVICE", "cpu")
    monkeypatch.setenv("SILHOUETTE_WORKERS", "1")

    def made(measure: Measure, *models: str, **pairs: tuple[Image.Image, Image.Image]) -> Evaluation:
        for name, (picture, mask) in pairs.items():
            picture.save(folders[0] / f"{name}.png")
            mask.save(folders[1] / f"{name}.png")
        results = [ModelResult(name) for name in models]
        evaluation = Evaluation("images", "masks", {}, measure, results, galleries_for(models, 12))
        run(evaluation, find_pairs(*folders), resize_masks=False, families=tiny_families)
        return evaluation

    return made


def figures(evaluation: Evaluation) -> dict[str, list[float | None]]:
    return {figure.metric: values for figure, values in evaluation.lines()}


CLASSES = ClassMeasure(("red", "blue"), {"red": 1, "blue": 2}, (10, 20), void=255, is_whole_table=False)


def test_two_models_are_compared_on_subjects(evaluate: Evaluate) -> None:
    """The one sees red only; of a red and a blue half it finds the half."""
    half = striped(RED, RED, DARK, DARK), numbered(255, 255, 0, 0)
    both = striped(RED, BLUE, DARK, DARK), numbered(255, 255, 0, 0)
    found = evaluate(SubjectMeasure(), "tiny-subject", "tiny-classes", half=half, both=both)
    one, other = figures(found)["mean IoU"]
    assert one == pytest.approx((1 + 0.5) / 2, abs=0.04)
    assert other == pytest.approx(1, abs=0.04)
    assert figures(found)["IoU under 0.5"][1] == 0
    worst, second_ahead, first_ahead = found.galleries
    assert worst.shown()[0].name == "both"
    assert second_ahead.shown()[0].name == "both"
    assert "both" not in [shown.name for shown in first_ahead.shown()]
    assert list(worst.shown()[0].tiles) == [
        "picture",
        "mask",
        "tiny-subject",
        "tiny-subject, what differs",
        "tiny-classes",
        "tiny-classes, what differs",
    ]
    assert found.pictures()[0] == "both"


def test_classes_are_scored_each_against_its_number_and_void_does_not_count(evaluate: Evaluate) -> None:
    found = evaluate(
        CLASSES,
        "tiny-classes",
        right=(striped(RED, BLUE, DARK, DARK), numbered(10, 20, 0, 0)),
        swapped=(striped(RED, BLUE, DARK, DARK), numbered(20, 10, 0, 0)),
        void=(striped(RED, BLUE, DARK, RED), numbered(10, 20, 0, 255)),
    )
    right, swapped, void = (found.models[0].scores[name] for name in ("right", "swapped", "void"))
    assert right.iou == pytest.approx(1, abs=0.1)
    assert swapped.iou == pytest.approx(0, abs=0.1)
    assert void.iou == pytest.approx(1, abs=0.1)
    of_all = figures(found)
    assert of_all["IoU red"] == [pytest.approx(2 / 4, abs=0.06)]
    assert of_all["mIoU"] == [pytest.approx(2 / 4, abs=0.06)]
    assert found.galleries[0].shown()[0].name == "swapped"


def test_numbers_that_no_class_has_are_refused_and_the_mask_is_named(evaluate: Evaluate) -> None:
    whole = ClassMeasure(
        ("background", "red", "blue"), {"background": 0, "red": 1, "blue": 2}, (0, 1, 2), 255, is_whole_table=True
    )
    with pytest.raises(ConfigurationError, match=r"odd\.png: the mask has 3, 77, but the model's classes are 0 to 2"):
        evaluate(whole, "tiny-classes", odd=(striped(RED, DARK), numbered(3, 77)))


def test_a_picture_that_cannot_be_read_ends_the_run_and_is_named(
    evaluate: Evaluate, folders: tuple[Path, Path]
) -> None:
    (folders[0] / "broken.png").write_bytes(b"no picture")
    numbered(0).save(folders[1] / "broken.png")
    with pytest.raises(ConfigurationError, match=r"broken\.png"):
        evaluate(SubjectMeasure(), "tiny-subject", good=(striped(RED, DARK), numbered(255, 0)))


def test_the_page_holds_all_that_it_shows(evaluate: Evaluate) -> None:
    name = "a&b"
    found = evaluate(SubjectMeasure(), "tiny-subject", **{name: (striped(RED, DARK), numbered(255, 0))})
    text = page(found)
    assert "a&amp;b" in text
    assert "a&b" not in text.replace("a&amp;b", "")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(addresses) == 4
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses)
    assert "http" not in text.replace("http-equiv", "")
    written = json.loads(json.dumps(found.as_json()))
    assert written["models"] == ["tiny-subject@1"]
    assert written["figures"]["mean IoU"]["values"][0] == pytest.approx(1, abs=0.05)
    assert written["pictures"][name][0]["IoU"] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("drawn", "subject"),
    [
        ([0, 255, 255], [0, 1, 1]),
        ([0, 100, 200], [0, 0, 1]),  # soft: from the middle up
        ([0, 1, 3], [0, 1, 1]),  # numbers, none of them bright
        ([0, 0, 0], [0, 0, 0]),
    ],
)
def test_what_is_the_subject_in_a_mask(drawn: list[int], subject: list[int]) -> None:
    ids = np.array(drawn, np.uint8)
    assert subject_of(ids, None, np.ones(3, np.bool_)).astype(int).tolist() == subject
    assert subject_of(np.array([0, 7, 9], np.uint8), [9], np.ones(3, np.bool_)).tolist() == [False, False, True]


def test_a_gallery_keeps_the_lowest_and_none_that_is_not_low_enough() -> None:
    gallery = Gallery("worst", 2, below=0.9)
    for name, rank in {"a": 0.5, "b": 0.1, "c": 0.95, "d": 0.3}.items():
        if gallery.wants(rank):
            gallery.add(rank, Shown(name, "", {"picture": Image.new("RGB", (9, 9))}))
    assert [shown.name for shown in gallery.shown()] == ["b", "d"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one model"),
        (["tiny-subject", "--compare", "tiny-subject", "tiny-classes"], "name one model"),
        (["--compare", "tiny-subject", "tiny-subject"], "is both of them"),
        (["tiny-subject", "--classes", "unicorn"], "unicorn"),
        (["tiny-classes", "--classes", "300=red"], "ID=NAME"),
        (["tiny-classes", "--classes", "1=red", "--foreground", "1"], "--foreground is of one subject"),
        (["--compare", "tiny-subject", "tiny-classes", "--classes", "1=red"], "no class is called 'red'"),
        (["tiny-subject"], "no such folder"),
    ],
)
def test_what_is_wrong_with_the_command_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(make_store(tmp_path / "store")))
    with pytest.raises(SystemExit) as left:
        main(
            ["models", "evaluate", *arguments, "--images", str(tmp_path / "images"), "--masks", str(tmp_path / "masks")]
        )
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line

"""The table, the sheet and the command of benchmarks/quality.py."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks import quality
from benchmarks.comparison import Comparison, Score
from benchmarks.contact_sheet import CELL, Row, WorstFirst, worst_region
from benchmarks.edges import EdgeScore
from benchmarks.metrics import score_subject
from benchmarks.ways import BASELINE, PEER
from tests.weights import pulled_weights

MASK = np.array([[1, 0], [0, 0]], np.bool_)
PERFECT = score_subject(MASK.astype(np.float32), MASK, MASK)


def scored(bf1: float | None, own_ms: float = 1, infer_ms: float = 9) -> Score:
    return Score(PERFECT, None if bf1 is None else EdgeScore(bf1, bf1, 0.1), own_ms, infer_ms)


def comparison(*pictures: tuple[float | None, float | None]) -> Comparison:
    """BF1 of the baseline and of another way, of each picture."""
    scores = {f"{number}": {"a": scored(a), "b": scored(b, own_ms=3)} for number, (a, b) in enumerate(pictures)}
    return Comparison("set", "model", 1, None, baseline="a", ways=["a", "b"], scores=scores)


def figures(of: Comparison) -> dict[str, list[float]]:
    return {line.metric: line.values for line in of.lines()}


def test_pictures_that_lose_against_the_baseline_are_counted_and_named() -> None:
    compared = comparison((0.8, 0.7), (0.8, 0.76), (0.2, 0.9))
    assert compared.losers("a") == {}
    assert compared.losers("b") == {"0": pytest.approx(0.1)}
    assert figures(compared)["losers"] == [0, 1]


def test_a_picture_without_an_edge_counts_in_no_figure_of_edges() -> None:
    compared = comparison((0.8, 0.6), (None, None))
    assert figures(compared)["BF1"] == pytest.approx([0.8, 0.6])
    assert figures(compared)["MAE"] == [0, 0]
    assert compared.losers("b").keys() == {"0"}


def test_the_network_s_share_is_of_both_times() -> None:
    assert figures(comparison((1, 1), (1, 1)))["network's share"] == pytest.approx([90, 75])


def test_the_region_that_is_shown_closer_is_where_the_errors_are() -> None:
    errors = np.zeros((300, 500), np.float32)
    errors[220:240, 410:430] = 1
    errors[50, 50] = 9  # a single wrong pixel is not the worst place
    left, top, right, bottom = worst_region(errors)
    assert (right - left, bottom - top) == (83, 83)
    assert left <= 410 < 430 <= right
    assert top <= 220 < 240 <= bottom


def test_the_sheet_has_the_lowest_scores_lowest_first(tmp_path: Path) -> None:
    worst = WorstFirst(2)
    for score, level in [(0.9, 90), (0.1, 10), (0.5, 50), (0.8, 80)]:
        if worst.wants(score):
            worst.add(score, Row(f"{score}", {"picture": Image.new("RGB", CELL, (level, level, level))}))
    worst.write(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        column = np.asarray(sheet)[:, 5, 0]
    levels = [level for level in (10, 50, 80, 90) if (column == level).sum() > CELL.height / 2]
    assert levels == [10, 50]
    assert np.argmax(column == 10) < np.argmax(column == 50)


def test_a_sheet_of_no_rows_wants_nothing() -> None:
    assert not WorstFirst(0).wants(0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The astronaut and the cat, each with a disc for its truth."""
    for name, photo in {"astronaut": data.astronaut(), "cat": data.chelsea()}.items():
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
        Image.fromarray(photo).save(tmp_path / "images" / f"{name}.png")
        y, x = np.ogrid[: photo.shape[0], : photo.shape[1]]
        disc = np.hypot(x - photo.shape[1] / 2, y - photo.shape[0] / 2) < 100
        Image.fromarray(disc.astype(np.uint8) * 255).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path


def test_one_command_makes_figures_and_a_sheet_and_again_from_the_cache(folder: Path) -> None:
    pulled_weights("selfie")
    out, sheet = folder / "out.json", folder / "sheet.png"
    command = [str(folder), "--model", "selfie", "--cache", str(folder / "answers"), "--ways", PEER]
    quality.main([*command, "--json", str(out), "--sheet", str(sheet)])
    first = json.loads(out.read_text())
    assert first["ways"] == [BASELINE, PEER]
    assert first["pictures"].keys() == {"astronaut", "cat"}
    assert 0 < first["figures"]["BF1"][PEER] < 1
    with Image.open(sheet) as drawn:
        assert drawn.width > 7 * CELL.width  # three whole pictures, four closer
        assert drawn.height > CELL.height
    answers = sorted((folder / "answers").iterdir())
    assert len(answers) == 2
    quality.main([*command, "--json", str(out)])
    assert sorted((folder / "answers").iterdir()) == answers
    again = json.loads(out.read_text())
    assert {name: again["figures"][name] for name in ("BF1", "MAE", "ms in the network")} == {
        name: first["figures"][name] for name in ("BF1", "MAE", "ms in the network")
    }


def test_a_reduced_answer_has_other_edges(folder: Path) -> None:
    pulled_weights("selfie")
    found = []
    for reduction in ([], ["--reduce", "16"]):
        quality.main([str(folder), "--model", "selfie", "--ways", BASELINE, *reduction, "--json", str(folder / "out")])
        found.append(json.loads((folder / "out").read_text())["figures"]["error at the edge"][BASELINE])
    assert found[0] != pytest.approx(found[1], abs=1e-3)


def test_pictures_are_chosen_by_name(folder: Path) -> None:
    pulled_weights("selfie")
    quality.main([str(folder), "--model", "selfie", "--only", "cat", "--json", str(folder / "out")])
    assert json.loads((folder / "out").read_text())["pictures"].keys() == {"cat"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--model", "selfie", "--reduce", "256"], "256 is no reduction"),
        (["--model", "selfie", "--ways", "magic"], "no way is called 'magic'"),
        (["--model", "selfie", "--only", "cat,dog"], "there is no picture dog"),
        (["--model", "selfie", "--ways", "ensemble"], "ensemble needs a second model: --outline NAME"),
        (["--model", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    folder: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled_weights("selfie")
    with pytest.raises(SystemExit) as stopped:
        quality.main([str(folder), *arguments])
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err

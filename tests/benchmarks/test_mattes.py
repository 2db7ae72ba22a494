"""The figures that benchmarks/quality/mattes.py prints."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks.quality import mattes
from benchmarks.quality.comparison import Comparison, Score
from benchmarks.quality.edges import EdgeScore
from benchmarks.quality.ways import BASELINE, PEER
from service.cli.evaluation.contact_sheet import CELL
from service.cli.evaluation.metrics import score_subject
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


def test_one_command_makes_figures_and_a_sheet(folder: Path) -> None:
    pulled_weights("selfie")
    out, sheet = folder / "out.json", folder / "sheet.png"
    mattes.main([str(folder), "--model", "selfie", "--ways", PEER, "--json", str(out), "--sheet", str(sheet)])
    found = json.loads(out.read_text())
    assert found["ways"] == [BASELINE, PEER]
    assert found["pictures"].keys() == {"astronaut", "cat"}
    assert 0 < found["figures"]["BF1"][PEER] < 1
    with Image.open(sheet) as drawn:
        assert drawn.width > 7 * CELL.width  # three whole pictures, four closer

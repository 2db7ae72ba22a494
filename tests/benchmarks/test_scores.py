"""The figures that benchmarks/quality/scores.py prints."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from benchmarks.quality import scores
from benchmarks.quality.scores import CROSSINGS, Found, in_bytes, in_half
from tests.weights import pulled_weights


def test_each_probability_arrives_as_near_as_its_bits_allow() -> None:
    sent = np.linspace(0, 1, 1001, dtype=np.float32)
    assert np.abs(in_half(sent) - sent).max() <= 2**-12
    assert np.abs(in_bytes(sent) - sent).max() <= 0.5001 / 255
    assert {in_half(sent).dtype, in_bytes(sent).dtype} == {np.dtype(np.float32)}


def test_what_differs_is_counted_by_how_much() -> None:
    found, subject = Found(), np.array([[True, False, False, False]])
    found.add(np.array([[255, 1, 3, 0]], np.uint8), np.array([[255, 0, 0, 0]], np.uint8), subject)
    assert (found.pixels, found.differ, found.over_one, found.most_levels) == (4, 2, 1, 3)
    assert found.row()[:3] == ["50.000%", "25.0000%", "3"]


def test_one_command_says_what_fewer_bits_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pulled_weights("selfie")
    photo = data.astronaut()[::2, ::2]
    for kind, picture in {"images": photo, "masks": (photo[..., 0] > 100).astype(np.uint8)}.items():
        (tmp_path / kind).mkdir()
        Image.fromarray(picture).save(tmp_path / kind / "astronaut.png")
    scores.main([str(tmp_path), "--model", "selfie"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in CROSSINGS)
    assert "0.000%  0.0000%  0" in printed

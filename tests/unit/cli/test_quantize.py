"""`silhouette models quantize`, and a model in eight bits with the ranges that it found, as a shell runs both."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from service.models.store.int8_ranges import read_ranges
from tests.fakes import make_store
from tests.processor import needs_int8
from tests.unit.cli.commands import is_one_line_about, silhouette
from tests.weights import model_card, pulled_weights

MODEL = "deeplab-voc"
PICTURES = {"astronaut": data.astronaut, "cat": data.chelsea, "coffee": data.coffee, "camera": data.camera}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name, take in PICTURES.items():
        Image.fromarray(take()).save(folder / f"{name}.jpg", quality=95)
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the real model, which nobody has calibrated yet."""
    weights, store = pulled_weights(MODEL), tmp_path_factory.mktemp("store")
    (store / MODEL).mkdir()
    for file in (weights.parent / "card.toml", weights):
        shutil.copy(file, store / MODEL)
    return store


@pytest.fixture(scope="module")
def quantized(store: Path, pictures: Path) -> "subprocess.CompletedProcess[str]":
    arguments = ("models", "quantize", MODEL, "--images", pictures, "--provenance", "four pictures of scikit-image")
    return silhouette(*arguments, model_store=store)


@needs_int8
def test_quantize_measures_most_pictures_checks_the_others_and_notes_what_they_were(
    quantized: "subprocess.CompletedProcess[str]", store: Path
) -> None:
    assert quantized.returncode == 0, quantized.stderr
    ranges = read_ranges(store / MODEL / "int8.json")
    assert ranges is not None
    assert ranges.weights_sha256 == model_card(MODEL).converted.sha256
    assert (ranges.pictures, ranges.provenance) == (3, "four pictures of scikit-image")
    assert all(low <= 0 < high for low, high in ranges.spans.values())
    wrote, compared = quantized.stderr.strip().splitlines()
    assert wrote.endswith(f"ranges of {len(ranges.spans)} convolutions, from 3 pictures")
    share = float(compared.removeprefix("on 1 other pictures, ").partition("%")[0])
    assert share < 10


@needs_int8
def test_the_model_then_computes_in_eight_bits_and_sees_nearly_the_same(
    quantized: "subprocess.CompletedProcess[str]", store: Path, pictures: Path, tmp_path: Path
) -> None:
    assert quantized.returncode == 0, quantized.stderr
    found = {}
    for precision in ("fp32", "int8"):
        out = tmp_path / precision
        done = silhouette(
            *("segment", pictures / "cat.jpg", "--model", MODEL, "--out", out),
            model_store=store,
            precision=f"{MODEL}={precision}",
            device="cpu",
        )
        assert done.returncode == 0, done.stderr
        found[precision] = np.asarray(Image.open(out / "cat.png"))
    cat = model_card(MODEL).class_table.find(["cat"])[0]
    assert np.mean(found["int8"] == cat) > 0.2
    assert 0.95 < np.mean(found["fp32"] == found["int8"]) < 1


def test_a_picture_that_cannot_be_read_stops_quantize_and_is_named(store: Path, tmp_path: Path) -> None:
    Image.fromarray(data.astronaut()).save(tmp_path / "astronaut.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    done = silhouette("models", "quantize", MODEL, "--images", tmp_path, model_store=store)
    assert done.returncode == 2
    assert "broken.jpg" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_one_picture_is_too_few(store: Path, tmp_path: Path) -> None:
    Image.fromarray(data.chelsea()).save(tmp_path / "cat.jpg")
    done = silhouette("models", "quantize", MODEL, "--images", tmp_path, model_store=store)
    assert done.returncode == 2
    assert is_one_line_about(done, "at least two pictures")


@needs_int8
def test_a_model_that_was_never_calibrated_cannot_be_asked_for_in_eight_bits(tmp_path: Path, pictures: Path) -> None:
    store = make_store(tmp_path / "store")
    arguments = ("segment", pictures / "cat.jpg", "--model", "tiny-classes", "--out", tmp_path / "out")
    done = silhouette(*arguments, model_store=store, precision="tiny-classes=int8", device="cpu")
    assert done.returncode == 2
    said = done.stderr.strip().splitlines()[-1]
    assert "tiny-classes was never calibrated" in said
    assert "silhouette models quantize tiny-classes" in said

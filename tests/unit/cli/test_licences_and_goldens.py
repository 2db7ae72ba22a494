"""Terms before a pull, models that nobody has verified yet, and answers that must not change."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

from service.cli import main
from tests.fakes import make_store
from tests.networks import Convolved, export

Silhouette = Callable[..., tuple[int, str]]

TERMS = 'terms = "for research and teaching only"\ntrained_on = "photos of cats"\nverified = false\n'


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both tiny models; `tiny-subject` has terms, nobody has verified it, and it was not pulled yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(tmp_path / "store"))
    folder = make_store(tmp_path / "store")
    card = folder / "tiny-subject" / "card.toml"
    card.write_text(card.read_text().replace("licence", f"{TERMS}licence", 1))
    (folder / "tiny-subject" / "model.safetensors").unlink()
    return folder


@pytest.fixture
def silhouette(store: Path, capsys: pytest.CaptureFixture[str]) -> Silhouette:
    """Runs `silhouette models ...`: how it ended, and all it said."""

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main(["models", *arguments])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out + said.err

    return run


def test_terms_are_told_before_a_pull_and_wait_for_a_yes(silhouette: Silhouette) -> None:
    status, said = silhouette("pull", "tiny-subject")
    assert status == 2
    assert "for research and teaching only" in said
    assert "photos of cats" in said
    assert "not verified by us yet" in said
    assert "--accept-licence" in said
    assert "example.org" not in said  # nothing was asked of its address


def test_terms_that_are_accepted_let_the_pull_begin(silhouette: Silhouette, store: Path) -> None:
    (store / "tiny-subject.bin").write_bytes(b"x")
    _, said = silhouette("pull", "tiny-subject", "--accept-licence")
    assert "photos of cats" in said
    assert "tiny-subject.bin" in said  # it was looked for


def test_models_that_nobody_has_verified_are_listed_when_asked_for(silhouette: Silhouette) -> None:
    _, some = silhouette("list")
    assert "tiny-subject" not in some
    assert "1 more, not verified by us yet" in some
    _, every = silhouette("list", "--all")
    assert "tiny-subject" in every
    assert "unverified" in re.sub(r"\s+", " ", every)


# --- golden answers ---------------------------------------------------------------------------------------------------


@pytest.fixture
def added(silhouette: Silhouette, store: Path, tmp_path: Path) -> Path:
    """The folder of a model that was added, with its golden answer."""
    file = export(Convolved(1, nn.Sigmoid()), tmp_path / "net.onnx", 32, 32)
    status, said = silhouette("add", str(file), "--name", "mine", "--like", "u2net")
    assert status == 0, said
    return store / "mine"


@pytest.mark.usefixtures("added")
def test_a_model_that_was_added_gives_its_golden_answer(silhouette: Silhouette) -> None:
    assert silhouette("verify", "mine", "--golden") == (0, "mine@1: ok, it gives its golden answer\n")


def test_a_model_that_answers_otherwise_is_refused(silhouette: Silhouette, added: Path) -> None:
    card = added / "card.toml"
    card.write_text(card.read_text().replace("mean = [0.485, ", "mean = [40.0, "))
    status, said = silhouette("verify", "mine", "--golden")
    assert status == 1
    assert "mine does not give its golden answer" in said
    assert silhouette("verify", "mine")[0] == 0  # its weights are the pinned ones


def test_a_golden_answer_that_is_none_is_told(silhouette: Silhouette, added: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(added / "golden.png")
    status, said = silhouette("verify", "mine", "--golden")
    assert status == 2
    assert "64x64" in said


def test_a_model_without_one_is_told_apart(silhouette: Silhouette, added: Path) -> None:
    (added / "golden.png").unlink()
    assert silhouette("verify", "mine", "--golden") == (0, "mine@1: ok, it has no golden answer\n")


# --- golden answers of what is pulled ---------------------------------------------------------------------------------


def test_what_is_pulled_must_give_its_golden_answer(silhouette: Silhouette, added: Path) -> None:
    (added / "model.onnx").unlink()
    assert silhouette("pull", "mine") == (0, "mine@1: pulled, verified, it gives its golden answer\n")
    assert (added / "model.onnx").is_file()


def test_what_answers_otherwise_is_not_kept(silhouette: Silhouette, added: Path) -> None:
    (added / "model.onnx").unlink()
    card = added / "card.toml"
    card.write_text(card.read_text().replace("mean = [0.485, ", "mean = [40.0, "))
    status, said = silhouette("pull", "mine")
    assert status == 2
    assert "mine does not give its golden answer" in said
    assert sorted(path.name for path in added.iterdir()) == ["card.toml", "golden.png"]

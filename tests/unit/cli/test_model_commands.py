"""`silhouette models` on a store of tiny models."""

import json
from pathlib import Path

import pytest

from tests.fakes import make_store
from tests.unit.cli.commands import Command, is_one_line_about


def test_models_are_listed_with_what_was_pulled(in_process: Command, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    (store / "tiny-classes" / "model.safetensors").unlink()
    done = in_process("models", "list", model_store=store)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[-1] for line in done.stdout.splitlines() if "tiny" in line}
    assert rows == {"tiny-classes@1": "no", "tiny-subject@1": "yes"}


def test_a_card_is_shown_as_json(in_process: Command, store: Path) -> None:
    done = in_process("models", "show", "tiny-subject", model_store=store)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["input"]["width"] == 64


@pytest.mark.parametrize("action", ["show", "pull", "verify"])
def test_an_unknown_model_exits_with_2_and_lists_the_known_ones(in_process: Command, store: Path, action: str) -> None:
    done = in_process("models", action, "absent", model_store=store)
    assert done.returncode == 2
    assert is_one_line_about(done, "absent", "tiny-classes, tiny-subject")


def test_weights_are_verified(in_process: Command, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    assert in_process("models", "verify", model_store=store).returncode == 0
    (store / "tiny-subject" / "model.safetensors").write_bytes(b"damaged")
    done = in_process("models", "verify", model_store=store)
    assert done.returncode == 1
    assert "tiny-subject" in done.stderr
    assert "tiny-classes@1: ok" in done.stderr

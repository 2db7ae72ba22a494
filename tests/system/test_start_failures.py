"""A service that cannot start ends within seconds and says in one line what to mend."""

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.fakes import make_store
from tests.system.loading import tiny_command, tiny_environment
from tests.system.serving import serve_command
from tests.weights import REPOSITORY, pulled_weights

WRONG_CONFIGURATION, FAILED_TO_START = 2, 1

WITHIN_S = 180
"""Seconds on a quiet machine: a second for Python, four where torch is asked, more beside other tests."""


def start(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A start that is expected to fail."""
    return failed(serve_command(*arguments), os.environ | {"SILHOUETTE_LOG_FORMAT": "json"} | settings)


def failed(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )


def spoken(failure: "subprocess.CompletedProcess[str]") -> str:
    """The one line for a person that stands beside the log, which has no traceback."""
    assert "Traceback" not in failure.stderr
    lines = failure.stderr.splitlines()
    (line,) = [line for line in lines if not is_log(line)]
    assert line.startswith("silhouette: ")
    return line


def is_log(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@pytest.fixture
def selfie(tmp_path: Path) -> Path:
    """A model store of one card without weights."""
    folder = tmp_path / "selfie"
    folder.mkdir()
    shutil.copy(REPOSITORY / "model_store" / "selfie" / "card.toml", folder)
    return folder


def start_from(store: Path) -> "subprocess.CompletedProcess[str]":
    return start("--models", "selfie", SILHOUETTE_MODEL_STORE=str(store))


def test_missing_weights(selfie: Path) -> None:
    failure = start_from(selfie.parent)
    assert failure.returncode == WRONG_CONFIGURATION
    assert "run `silhouette models pull selfie`" in spoken(failure)


def test_weights_that_are_not_the_pinned_ones(selfie: Path) -> None:
    (selfie / "model.safetensors").write_bytes(b"something else")
    failure = start_from(selfie.parent)
    assert failure.returncode == WRONG_CONFIGURATION
    assert "selfie" in spoken(failure)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("[input]", "[input", "card.toml"),
        ("width = 256", 'width = "wide"', "width"),
        ('head = "sigmoid"', 'head = "guess"', "head"),
    ],
    ids=["not TOML", "a word for a number", "no such head"],
)
def test_a_bad_card(selfie: Path, right: str, wrong: str, said: str) -> None:
    card = selfie / "card.toml"
    text = card.read_text()
    assert right in text
    card.write_text(text.replace(right, wrong, 1))
    failure = start_from(selfie.parent)
    assert failure.returncode == WRONG_CONFIGURATION
    assert str(card) in (line := spoken(failure))
    assert said in line


def test_a_model_that_is_not_in_the_store(selfie: Path) -> None:
    failure = start("--models", "selfy", SILHOUETTE_MODEL_STORE=str(selfie.parent))
    assert failure.returncode == WRONG_CONFIGURATION
    assert {"selfy", "selfie"} <= set(re.findall(r"\w+", spoken(failure)))


def test_a_setting_that_makes_no_sense() -> None:
    failure = start(SILHOUETTE_DEVICE="gpu")
    assert failure.returncode == WRONG_CONFIGURATION
    assert "SILHOUETTE_DEVICE" in spoken(failure)


def test_a_device_that_is_not_there() -> None:
    pulled_weights("selfie")
    failure = start("--models", "selfie", "--device", "cuda:77")
    assert failure.returncode == WRONG_CONFIGURATION
    assert "cuda:77" in spoken(failure)


@pytest.mark.parametrize("fronts", ["1", "2"])
def test_a_port_that_is_taken(fronts: str) -> None:
    pulled_weights("selfie")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        failure = start("--models", "selfie", "--port", port, SILHOUETTE_FRONTS=fronts)
    assert failure.returncode == WRONG_CONFIGURATION
    assert f"port {port} of 127.0.0.1 is already in use" in (line := spoken(failure))
    assert "SILHOUETTE_PORT" in line
    assert "loading models" not in failure.stderr


def test_a_model_that_raises_in_its_warm_up(tmp_path: Path) -> None:
    failure = failed(tiny_command("raising"), tiny_environment(make_store(tmp_path)))
    assert failure.returncode == FAILED_TO_START
    assert "this network never works" in spoken(failure)

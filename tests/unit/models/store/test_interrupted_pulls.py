"""Pulls that were killed, resumed, or not alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.configuration_errors import PullFailed
from service.models.store.sources import fetch
from tests.unit.models.store.file_server import Web, at
from tests.unit.models.store.publishing import FILE, NAME, PATIENCE_S, Published, ignore, left_over, pull, write_card


def until(condition: Callable[[], bool]) -> None:
    """Looks again and again; fails when it never comes true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


# --- interruptions ----------------------------------------------------------------------------------------------------


def half_done(folder: Path, content: bytes) -> Path:
    part = folder / f"{FILE}.part"
    part.write_bytes(content)
    return part


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_half_download_is_resumed_where_the_server_can_and_restarted_where_not(
    web: Web, published: Published, tmp_path: Path, knows_ranges: bool
) -> None:
    half = len(published.content) // 2
    half_done(tmp_path, published.content[:half])
    web.knows_ranges = knows_ranges
    path = fetch(at(web), published.spec(at(web)), tmp_path, ignore)
    assert web.asked == [f"bytes={half}-"]
    assert path.read_bytes() == published.content
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("surplus", [0, 7])
def test_a_part_that_is_too_long_to_be_one_is_dropped(
    web: Web, published: Published, tmp_path: Path, surplus: int
) -> None:
    half_done(tmp_path, bytes(len(published.content) + surplus))
    assert fetch(at(web), published.spec(at(web)), tmp_path, ignore).read_bytes() == published.content
    assert web.asked == [None]


def test_a_resumed_download_of_which_the_first_half_was_damaged_is_refused_and_the_next_one_works(
    folder: Path, web: Web, published: Published
) -> None:
    write_card(folder, published, at(web))
    staging = folder / NAME / ".pull"
    staging.mkdir()
    half_done(staging, bytes(1000))
    with pytest.raises(PullFailed, match="sha256"):
        pull(folder)
    assert pull(folder)


def test_a_killed_pull_leaves_no_model_and_the_next_one_resumes(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    web.go_on.clear()
    environment = os.environ | {"SILHOUETTE_MODEL_STORE": str(folder)}
    command = [sys.executable, "-m", "service.cli", "models", "pull", NAME]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        part = folder / NAME / ".pull" / f"{FILE}.part"
        until(lambda: part.exists() and part.stat().st_size > 0)
        process.send_signal(signal.SIGKILL)
    arrived = part.stat().st_size
    assert "model.safetensors" not in left_over(folder)
    web.go_on.set()
    assert pull(folder)
    assert web.asked == [None, f"bytes={arrived}-"]
    assert left_over(folder) == ["model.safetensors"]


def test_of_two_pulls_at_once_one_downloads_and_the_other_finds_it_done(
    folder: Path, web: Web, published: Published
) -> None:
    write_card(folder, published, at(web))
    web.go_on.clear()
    environment = os.environ | {"SILHOUETTE_MODEL_STORE": str(folder)}
    command = [sys.executable, "-m", "service.cli", "models", "pull", NAME]
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as first,
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as second,
    ):
        until(lambda: len(web.asked) == 1)
        web.go_on.set()
        told = "".join(process.communicate(timeout=PATIENCE_S)[1] for process in (first, second))
    assert (first.returncode, second.returncode) == (0, 0), told
    assert len(web.asked) == 1
    assert left_over(folder) == ["model.safetensors"]

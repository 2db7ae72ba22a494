"""Scratch folders go with their process, however that ends."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from service.jobs import opener_of
from service.jobs.scratch import PREFIX, SETTLED_S, ScratchFolder, remove_left
from service.settings import read_settings

HOLDER = """
import sys
from service.jobs.scratch import ScratchFolder
folder = ScratchFolder()
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the system keeps temporary files, of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def made_long_ago(folder: Path) -> None:
    then_s = time.time() - 2 * SETTLED_S
    os.utime(folder, (then_s, then_s))


def test_a_killed_process_s_folder_goes_when_a_service_begins_and_a_living_one_s_stays(temporary: Path) -> None:
    command, environment = [sys.executable, "-c", HOLDER], {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        (folder / "upload").write_bytes(b"x")
        made_long_ago(folder)
        opener_of(read_settings())
        assert (folder / "upload").exists()
        holder.kill()
    opener_of(read_settings())
    assert list(temporary.iterdir()) == []


def test_what_is_young_or_not_a_scratch_folder_stays(temporary: Path) -> None:
    others = [temporary / f"{PREFIX}young", temporary / "silhouette-of-somebody", temporary / "else"]
    for folder in others:
        folder.mkdir()
    for folder in others[1:]:
        made_long_ago(folder)
    remove_left()
    assert sorted(temporary.iterdir()) == sorted(others)


def test_a_folder_goes_with_all_that_is_in_it(temporary: Path) -> None:
    scratch = ScratchFolder()
    (scratch.path / "below").mkdir()
    (scratch.path / "below" / "file").write_bytes(b"x")
    scratch.close()
    assert list(temporary.iterdir()) == []

"""`silhouette keys`, in a process of its own, as an operator runs it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from service.access.keyring import hash_of, read_keys


def keys(file: Path, *arguments: str, within: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
    command = [*within, sys.executable, "-m", "service.cli", "keys", "--file", str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)


def test_a_key_is_shown_once_listed_by_name_and_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    added = keys(file, "add", "shop", "--scopes", "images,stream", "--requests", "60")
    assert added.returncode == 0, added.stderr
    (entry,) = read_keys(file)
    assert (entry.sha256, entry.requests_per_minute) == (hash_of(added.stdout.strip()), 60)
    listed = keys(file, "list").stdout
    assert "shop" in listed
    assert added.stdout.strip() not in listed
    assert keys(file, "revoke", "shop").returncode == 0
    assert read_keys(file) == []


def test_mistakes_are_one_line_and_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    keys(file, "add", "shop")
    for wrong in (("add", "shop"), ("add", "other", "--scopes", "everything"), ("revoke", "nobody")):
        done = keys(file, *wrong)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert [entry.name for entry in read_keys(file)] == ["shop"]


NO_ROOM = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")
"""A process that may write no byte to any file, as on a full disk."""


@pytest.mark.skipif(os.name != "posix", reason="limits a process")
def test_a_full_disk_is_said_of_the_file_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    keys(file, "add", "shop")
    done = keys(file, "add", "other", within=NO_ROOM)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"silhouette: {file} cannot be written: ")
    assert [entry.name for entry in read_keys(file)] == ["shop"]
    assert list(tmp_path.iterdir()) == [file]

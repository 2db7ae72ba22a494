"""Tests that share something stay in one process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.side_by_side import begins_at, place_of
from tests.weights import REPOSITORY

SIX = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_nothing(number):
    pass
"""


def test_the_tests_of_a_file_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name in ("one", "two", "three"):
        (tmp_path / f"test_{name}.py").write_text(SIX)
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "tests.side_by_side"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    places = set(re.findall(r"\[(gw\d)\].* PASSED (\w+)\.py", ran.stdout))
    assert sorted(file for _, file in places) == ["test_one", "test_three", "test_two"], ran.stdout


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ("tests/browser/test_live.py::test_a[x]", "tests/browser/test_batch.py::test_b", True),
        ("tests/system/test_top.py::test_a", "tests/system/test_live_selfie.py::test_b", True),
        ("tests/api/test_keys.py::test_a", "tests/api/test_keys.py::test_b", True),
        ("tests/api/test_keys.py::test_a", "tests/api/test_jobs.py::test_b", False),
        ("tests/api/test_stream.py::test_a", "tests/system/test_stream.py::test_b", False),
    ],
)
def test_a_room_or_a_file_is_a_place(one: str, other: str, is_shared: bool) -> None:
    assert (place_of(one) == place_of(other)) == is_shared


def test_what_takes_longest_begins_first() -> None:
    assert begins_at("tests/browser/test_live.py::test_a") < begins_at("tests/system/test_stream.py::test_a")
    assert begins_at("tests/system/test_stream.py::test_a") < begins_at("tests/api/test_keys.py::test_a")

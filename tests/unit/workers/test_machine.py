"""How many cores and how much memory a machine leaves to the service, inside of containers and units as well."""

import os
from pathlib import Path

import psutil
import pytest

from service.workers.machine import available_cores, available_memory_bytes


def cores(root: Path, own: str = "0::/\n") -> int:
    """What `available_cores` finds where `root` is the tree of cgroups, and `own` is what the kernel tells of ours."""
    membership = root / "membership"
    membership.write_text(own)
    return available_cores(root, membership)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("100000 100000\n", 1), ("50000 100000\n", 1), ("1 100000\n", 1), ("100001 100000", 2), ("1500000 10000\n", 150)],
)
def test_a_container_s_quota_limits_the_cores(tmp_path: Path, content: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert cores(tmp_path) == min(expected, affine_cores())


@pytest.mark.parametrize("content", ["max 100000\n", "", "nonsense", "1 2 3", "1 0"])
def test_without_a_quota_every_core_is_ours(tmp_path: Path, content: str) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert cores(tmp_path) == affine_cores()


def test_without_a_cgroup_every_core_is_ours(tmp_path: Path) -> None:
    assert available_cores(tmp_path / "absent", tmp_path / "membership") == affine_cores()


@pytest.mark.parametrize("limited", ["", "system.slice", "system.slice/silhouette.service"])
def test_the_quota_of_a_unit_or_of_a_slice_around_it_limits_the_cores(tmp_path: Path, limited: str) -> None:
    (tmp_path / "system.slice" / "silhouette.service").mkdir(parents=True)
    (tmp_path / "system.slice" / "cpu.max").write_text("max 100000\n")
    (tmp_path / limited / "cpu.max").write_text("80000 100000\n")
    assert cores(tmp_path, "1:name=systemd:/other\n0::/system.slice/silhouette.service\n") == 1


@pytest.mark.parametrize("own", ["0::/../elsewhere\n", "0::/nowhere\n", "", "2:cpu:/docker/1\n"])
def test_a_cgroup_that_cannot_be_seen_from_here_leaves_the_quota_of_the_root(tmp_path: Path, own: str) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path.parent / "elsewhere").mkdir(exist_ok=True)
    assert cores(tmp_path, own) == 1


def affine_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"), [("1000000\n", 1_000_000), ("max\n", None), ("", None), ("1 2", None)]
)
def test_a_container_s_limit_is_all_the_memory_there_is(tmp_path: Path, content: str, expected: int | None) -> None:
    (tmp_path / "memory.max").write_text(content)
    (tmp_path / "membership").write_text("0::/\n")
    found = available_memory_bytes(tmp_path, tmp_path / "membership")
    assert found == (expected or psutil.virtual_memory().total)

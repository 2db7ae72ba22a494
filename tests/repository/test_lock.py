"""The lock in `requirements/` and pyproject.toml say the same. `make lock` writes it; this only reads."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.lock import CPU_WHEEL, CPU_WHEELS, CUDA, hashes_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FILES = ("runtime.txt", "pull.txt", "torch-cpu.txt", "torch-cuda.txt")


def read_lock(*files: str) -> dict[str, str]:
    """Each package's lines, its versions for different machines together."""
    lock: dict[str, str] = {}
    for file in files:
        text = (ROOT / "requirements" / file).read_text()
        for block in re.split(r"\n(?=\w)", text.split("\n", 1)[1]):
            name = re.split(r"==", block)[0]
            lock[name] = lock.get(name, "") + block
    return lock


def name_of(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["pull"]])
def test_what_pyproject_asks_for_is_locked_in_a_version_that_it_allows(line: str) -> None:
    requirement = Requirement(line)
    lock = read_lock(*FILES)
    versions = re.findall(r"==([^\s;]+)", lock[name_of(requirement)])
    assert versions
    assert all(requirement.specifier.contains(version) for version in versions), "run make lock"


@pytest.mark.parametrize("file", FILES)
def test_every_package_has_hashes(file: str) -> None:
    for name, block in read_lock(file).items():
        assert hashes_of(block), name


def test_the_serving_image_gets_nothing_that_only_a_pull_or_a_gpu_needs() -> None:
    runtime, cuda = read_lock("runtime.txt"), read_lock("torch-cuda.txt")
    assert not [name for name in runtime if CUDA.match(name)]
    assert not set(runtime) & (set(read_lock("pull.txt")) | set(cuda))
    assert [name for name in cuda if not CUDA.match(name)] == ["torch"]


def test_both_builds_of_torch_have_one_version() -> None:
    (cpu,), cuda = read_lock("torch-cpu.txt").values(), read_lock("torch-cuda.txt")["torch"]
    assert cpu.split()[0] == f"{cuda.split()[0]}+cpu"
    assert not hashes_of(cpu) & hashes_of(cuda)


def test_there_is_a_cpu_build_for_each_python_and_processor() -> None:
    (cpu,) = read_lock("torch-cpu.txt").values()
    assert len(hashes_of(cpu)) == CPU_WHEELS
    page = "".join(
        f'<a href="/whl/cpu/torch-2.13.0%2Bcpu-cp3{minor}-cp3{minor}-{system}.whl#sha256={"0" * 64}">'
        for minor in range(10, 16)
        for system in ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "linux_s390x", "win_amd64")
    )
    assert len(re.findall(CPU_WHEEL.format(version=r"2\.13\.0"), page)) == CPU_WHEELS

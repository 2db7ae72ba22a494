"""Installs torch into the environment that runs this, without downloading CUDA where nothing could use it.

    .venv/bin/python scripts/install_torch.py

PyPI's torch for Linux is a CUDA build: with the libraries that it needs, it is 14 times as large as a CPU build, which
PyTorch publishes on an index of its own. That index is taken where there is no NVIDIA driver and it answers at once.
Else torch comes from where pip's own configuration says, PyPI by default. One line says what was chosen and how large
it is. Once a torch that will do is installed, nothing is asked and nothing is said.

    TORCH         cpu or cuda decides by hand; unset, the driver does
    TORCH_INDEX   another index for torch, taken without asking; empty, pip's own configuration

Needs nothing but the standard library and pip.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import tomllib
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"

CPU_INDEX = "https://download.pytorch.org/whl/cpu"

DRIVERS = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"), Path("/usr/lib/wsl/lib/libcuda.so.1"))
"""Any of these is there where an NVIDIA driver is; the last one under Windows' Subsystem for Linux."""

DRIVERS_HELP = f"there where an NVIDIA driver is (default: {', '.join(map(str, DRIVERS))})"

PATIENCE_S = 5.0
PATIENCE_HELP = "seconds that the index of CPU builds has to answer (default: %(default)g)"

REST_MB = 264
"""All else that `make install` brings: 62 MB of packages, 202 MB of weights; x86-64, Python 3.11, 2026-11-28."""

CUDA_LIBRARIES_MB = 2155
"""NVIDIA's libraries and Triton, for PyPI's torch 2.13.0 on x86-64: the sizes of their wheels, 2026-11-28."""


class Refused(Exception):
    """What was asked for is not to be had. The message says how to go on."""


@dataclass(frozen=True)
class Choice:
    """An index, or None for what pip's configuration says, and why."""

    index: str | None
    reason: str

    @property
    def source(self) -> str:
        return self.index or "pip's own sources"

    @property
    def options(self) -> list[str]:
        return ["--index-url", self.index] if self.index else []


@dataclass(frozen=True)
class Build:
    """One wheel of torch, as its index describes it."""

    version: str
    url: str
    requires: tuple[str, ...]

    @property
    def has_cuda(self) -> bool:
        """Where the version does not say so, the libraries that it asks for on this machine do."""
        local = self.version.partition("+")[2]
        return local.startswith("cu") or (not local and any(map(_is_cuda_library, self.requires)))


def _is_cuda_library(requirement: str) -> bool:
    marker = requirement.partition(";")[2]
    elsewhere = "platform_machine" in marker and platform.machine() not in marker
    return sys.platform == "linux" and requirement.startswith(("nvidia-", "cuda-")) and not elsewhere


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    wanted = os.environ.get("TORCH", "")
    try:
        if wanted not in ("", "cpu", "cuda"):
            raise Refused(f"TORCH is cpu or cuda, not {wanted!r}")
        if is_installed(wanted):
            return
        choice, build = decide(wanted, chosen.drivers or DRIVERS, chosen.cpu_index, chosen.patience)
    except Refused as refusal:
        sys.exit(str(refusal))
    print(describe(build, choice), flush=True)
    # `===` is for exactly this version: `==2.13.0` would take 2.13.0+cpu as well.
    sys.exit(_pip("--no-deps", *choice.options, f"torch==={build.version}").returncode)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", dest="drivers", type=Path, action="append", metavar="FILE", help=DRIVERS_HELP)
    parser.add_argument("--cpu-index", default=CPU_INDEX, metavar="URL", help="of CPU builds (default: %(default)s)")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, metavar="S", help=PATIENCE_HELP)
    return parser


def requirement() -> str:
    """The line of pyproject.toml that asks for torch."""
    dependencies: list[str] = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    return next(line for line in dependencies if line.startswith("torch"))


def is_installed(wanted: str) -> bool:
    """Whether a torch that pyproject.toml and `wanted` ask for is here already."""
    try:
        torch = importlib.metadata.distribution("torch")
    except importlib.metadata.PackageNotFoundError:
        return False
    here = Build(torch.version, "", tuple(torch.requires or ()))
    if wanted and here.has_cuda != (wanted == "cuda"):
        return False
    # Nothing has to be installed where the version will do, so nothing has to be found either.
    return _would_install("--no-index", requirement()) == []


def decide(wanted: str, drivers: Iterable[Path], cpu_index: str, patience_s: float) -> tuple[Choice, Build]:
    """Raises Refused where what `wanted` asks for is not to be had."""
    choice = choose(wanted, drivers, cpu_index, patience_s)
    try:
        return choice, find(wanted, choice)
    except Refused:
        if wanted or choice.index != cpu_index:
            raise
    choice = Choice(None, f"as {cpu_index} has no build for this Python")
    return choice, find(wanted, choice)


def choose(wanted: str, drivers: Iterable[Path], cpu_index: str, patience_s: float) -> Choice:
    """`wanted` is cpu, cuda or empty. TORCH_INDEX is obeyed before everything else."""
    if (named := os.environ.get("TORCH_INDEX")) is not None:
        return Choice(named or None, "as TORCH_INDEX says")
    if sys.platform != "linux":
        return Choice(None, f"which have one build for {platform.system()}")
    if wanted == "cuda":
        return Choice(None, "as TORCH=cuda asks")
    if not wanted and (driver := next((path for path in drivers if path.exists()), None)):
        return Choice(None, f"as there is an NVIDIA driver, {driver} (TORCH=cpu takes the small build)")
    if not answers(cpu_index, patience_s):
        return Choice(None, f"as {cpu_index} did not answer within {patience_s:g} s")
    return Choice(cpu_index, "as TORCH=cpu asks" if wanted else "as there is no NVIDIA driver")


def answers(index: str, patience_s: float) -> bool:
    """Whether the index has its list of torch here, to the last byte, in time."""
    came = []

    def read() -> None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{index}/torch/", timeout=patience_s) as page:
            came.append(page.read())

    # A thread, as no timeout of the standard library holds for looking up a name, nor for a page that trickles.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(patience_s)
    return bool(came)


def find(wanted: str, choice: Choice) -> Build:
    """The build that pip would take. Raises Refused where there is none, or none as `wanted`."""
    build = _find(choice, requirement())
    if wanted == "cuda" and not build.has_cuda:
        build = _find(choice, f"{requirement()},!={build.version}")
    if wanted and build.has_cuda != (wanted == "cuda"):
        raise Refused(
            f"TORCH={wanted}, but torch {build.version} from {choice.source}, {choice.reason}, is another build: "
            "name an index in TORCH_INDEX, such as https://download.pytorch.org/whl/cpu"
        )
    return build


def _find(choice: Choice, required: str) -> Build:
    found = _would_install("--ignore-installed", *choice.options, required)
    if not found:
        raise Refused(f"pip found no {required} for this Python in {choice.source}")
    metadata, url = found[0]["metadata"], found[0]["download_info"]["url"]
    return Build(metadata["version"], url, tuple(metadata.get("requires_dist", ())))


def _would_install(*arguments: str) -> list[Any] | None:
    """What pip would install, as its report has it; None where it failed, and it has said why."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        ran = _pip("--dry-run", "--no-deps", "--quiet", "--report", str(report), *arguments)
        if ran.returncode:
            return None
        installed: list[Any] = json.loads(report.read_text())["install"]
    return installed


def _pip(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False)


def describe(build: Build, choice: Choice) -> str:
    """One line: what was chosen, why, and how much of it has to be downloaded."""
    megabytes = download_mb(build.url)
    own = "on this disk" if megabytes == 0 else "of unknown size" if megabytes is None else f"{megabytes:.0f} MB"
    libraries = f" and {CUDA_LIBRARIES_MB} MB of CUDA libraries" if build.has_cuda else ""
    total = (megabytes or 0) + CUDA_LIBRARIES_MB * build.has_cuda + REST_MB
    return (
        f"torch {build.version} from {choice.source}, {choice.reason}: {own}{libraries}; "
        f"about {total:.0f} MB to download in all"
    )


def download_mb(url: str) -> float | None:
    """0 for a file on this machine, None where the server does not say."""
    if url.startswith("file:"):
        return 0
    with contextlib.suppress(OSError, TypeError, ValueError):
        head = urllib.request.Request(url.partition("#")[0], method="HEAD")
        with urllib.request.urlopen(head, timeout=PATIENCE_S) as answer:
            return int(answer.headers["Content-Length"]) / 1e6
    return None


if __name__ == "__main__":
    main()

"""Checks this service on a machine with a GPU and without a network, in one command of at most eight minutes.

  python benchmarks/speed/gpu_check.py

Runs the tests that need a GPU; compares what each model answers there with what the CPU says; measures images a second
by size of batch, the stages of a 1080p cutout, and memory; kills a worker; fills the device's memory. Prints a table,
writes a JSON, and exits with 1 where something failed. Every check is a process of its own with a time limit, so that a
device that hangs holds nothing up but its own check.

Needs Python 3.11 to 3.13, this checkout, torch, and where other packages are missing a folder of wheels: by default
`wheels/` beside the checkout. What is installed already is used as it is. Where there is a network, make the folder:

  python benchmarks/speed/gpu_check.py --fetch wheels --python 3.12

It has the wheels of all packages but torch and OpenVINO, for Linux on x86-64, and the weights of u2net in 8 bits: 44 MB
instead of 176, widened where they are used, and as good for this purpose, as both sides of each comparison have the
same. Models that are neither in `model_store/` nor in the folder are left out, and so is OpenVINO: on a GPU torch
computes, and on a CPU it does where OpenVINO is not.

A machine that has much already needs less. For one with Python 3.12, torch 2.11 and what else is named here, the folder
has 59 MB, and this checkout 6:

  python benchmarks/speed/gpu_check.py --fetch wheels --python 3.12 --without numpy,scipy,scikit-image,networkx,\
imageio,tifffile,lazy-loader,uvloop,pygments,rich,psutil,pyyaml,hypothesis,safetensors,pytest
  there, with the Python that has torch, within 7 minutes:
  python3 benchmarks/speed/gpu_check.py --wheels wheels --minutes 6.5 --json gpu_check.json

`--device cpu` runs the same checks on a CPU, without what only a GPU has.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# Only what Python brings: the rest may not be installed yet.

REPOSITORY = Path(__file__).resolve().parents[2]
WHEELS = REPOSITORY.parent / "wheels"
ENVIRONMENT = REPOSITORY / ".cache" / "gpu-check"
PACKAGES = ("pytest", "pytest-xdist", "hypothesis", "httpx2", "scikit-image")
"""Beyond what the service itself needs: for its tests, the load and the photos."""

NEEDED = "import torch, tests.conftest, tests.gpu.test_graphs, tests.gpu.test_gpu_worker, benchmarks.speed.gpu_checks"
"""Whoever can do this has every package."""

LEFT_OUT = ("openvino",)
"""Larger than all others together, and torch takes its place where it is not."""

OUT = Path("gpu_check.json")
MINUTES = 8.0
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

LIMITS_S = {
    "tests": 150.0,
    "networks": 140.0,
    "served": 120.0,
    "killed worker": 60.0,
    "out of memory": 60.0,
}
"""Each check, in this order, and the most that it may take."""

CPU_PATIENCE = 1.5
"""On a CPU each may take so many times as long: two of them have nothing to do there."""

LEAST_S = 15.0
"""A check that would have less is left out."""

PATIENCE_S = 20.0
"""For a check that was told to end, until its servers have ended."""

SKIPPED = 77
FAILED, NOT_READY = 1, 2


@dataclass(frozen=True)
class Checked:
    """What came of one check."""

    name: str
    result: str
    """ok, failed or skipped"""
    seconds: float
    lines: Sequence[str] = ()
    """What it has to say, for people."""
    figures: Any = field(default_factory=list)


def ensure_packages(wheels: Path) -> str:
    """The interpreter that has all packages. Exits with 2 where they are neither installed nor in `wheels`."""
    if _has_packages(sys.executable):
        return sys.executable
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        make_environment(ENVIRONMENT)
    if not _has_packages(str(python)):
        if not wheels.is_dir():
            say(f"packages are missing, and there is no folder {wheels}: --wheels names another one")
            sys.exit(NOT_READY)
        say(f"installing from {wheels} into {ENVIRONMENT}")
        install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--find-links", str(wheels)]
        wanted = [*_dependencies(LEFT_OUT), *PACKAGES]
        if subprocess.run([*install, *wanted]).returncode or not _has_packages(str(python)):
            say(f"pip could not install what is needed from {wheels}")
            sys.exit(NOT_READY)
    return str(python)


def make_environment(folder: Path) -> None:
    """A virtual environment that has all that this interpreter has, which may be in a virtual environment itself: those
    packages are hidden from whoever asks `venv` for the system's. pip is that interpreter's, too.
    """
    venv.create(folder, symlinks=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}, scheme="venv"))
    packages = [entry for entry in sys.path if entry.endswith("-packages")]
    (own / "parent.pth").write_text("\n".join(packages) + "\n", encoding="utf-8")


def _has_packages(python: str) -> bool:
    return subprocess.run([python, "-c", NEEDED], cwd=REPOSITORY, capture_output=True).returncode == 0


def _dependencies(without: Sequence[str]) -> list[str]:
    """Of the service, from pyproject.toml: it runs from its checkout, which needs no installation."""
    import tomllib

    content = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    dependencies: list[str] = content["project"]["dependencies"]
    return [each for each in dependencies if not each.startswith(tuple(without))]


def fetch(folder: Path, python_version: str, without: Sequence[str]) -> None:
    """All that another machine needs, into `folder`. Exits with 2 where pip cannot get it, or there are no weights."""
    wanted = _dependencies(["torch", *LEFT_OUT])
    only = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python_version]
    platforms = [text for name in PLATFORMS for text in ("--platform", name)]
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder), *only, *platforms]
    weights = REPOSITORY / "model_store" / "u2net" / "model.safetensors"
    pack = [sys.executable, "-m", "benchmarks.speed.packed_weights", "pack", str(weights)]
    packed = folder.absolute() / "u2net.8bit.safetensors"
    for command in ([*download, *wanted, *PACKAGES], [*pack, str(packed)]):
        if subprocess.run(command, cwd=REPOSITORY).returncode:
            sys.exit(NOT_READY)
    for wheel in folder.glob("*.whl"):
        if wheel.name.partition("-")[0].replace("_", "-").lower() in without:
            wheel.unlink()
    size_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    say(f"{folder} is complete: {size_mb:.0f} MB")


def check(name: str, python: str, device: str, store: Path, limit_s: float) -> Checked:
    """Whatever happens to it, this says so."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "found.json")
        command = [python, "-m", "benchmarks.speed.gpu_checks", name, "--device", device, "--out", str(out)]
        stores = {name: str(store) for name in ("SILHOUETTE_MODEL_STORE", "SILHOUETTE_TEST_MODEL_STORE")}
        environment = os.environ | stores | {"PYTHONPATH": str(REPOSITORY)}
        code, said = _run(command, environment, limit_s)
        if code is None:
            return Checked(name, "failed", limit_s, [f"not over after {limit_s:.0f} s"])
        found = json.loads(out.read_text()) if out.exists() else {"lines": [], "figures": []}
    seconds = time.monotonic() - started
    result = {0: "ok", SKIPPED: "skipped"}.get(code, "failed")
    lines = found["lines"] or said.strip().splitlines()[-5:]
    return Checked(name, result, seconds, lines, found["figures"])


def _run(command: Sequence[str], environment: Mapping[str, str], limit_s: float) -> tuple[int | None, str]:
    """Its exit, and what it said. None where it was not over in time: it is told to end, so that it ends its servers,
    and ended where it does not."""
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=PATIENCE_S)
        process.kill()
        process.wait()
        return None, ""
    return process.returncode, said


def check_all(python: str, device: str, store: Path, end: float) -> list[Checked]:
    """`end` is on the monotonic clock."""
    found, patience = [], CPU_PATIENCE if device == "cpu" else 1.0
    for name, limit_s in LIMITS_S.items():
        left_s = end - time.monotonic()
        if left_s < LEAST_S:
            found.append(Checked(name, "skipped", 0.0, ["no time was left"]))
            continue
        most_s = min(patience * limit_s, left_s)
        say(f"{name}: at most {most_s:.0f} s")
        checked = check(name, python, device, store, most_s)
        found.append(checked)
        say(f"{name}: {checked.result}")
    return found


def print_all(found: Sequence[Checked]) -> None:
    for each in found:
        print(f"{each.result.upper():8}{each.name:16}{each.seconds:6.0f} s")
        for line in each.lines:
            print(f"        {line}")


def say(text: str) -> None:
    print(f"gpu_check: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", metavar="cuda[:N]|cpu", help="default: cuda")
    parser.add_argument("--wheels", type=Path, default=WHEELS, metavar="DIR", help=f"default: {WHEELS}")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="N", help=f"in all; default: {MINUTES:g}")
    parser.add_argument("--json", type=Path, default=OUT, metavar="OUT", help=f"default: {OUT}")
    parser.add_argument("--fetch", type=Path, metavar="DIR", help="check nothing, but make such a folder")
    parser.add_argument("--without", default="", metavar="NAME,...", help="packages that are there, not to be fetched")
    parser.add_argument("--python", default="3.12", metavar="VERSION", help="of those wheels; default: 3.12")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a check failed, with 2 where none could begin."""
    chosen = _parser().parse_args(arguments)
    if chosen.fetch:
        fetch(chosen.fetch.absolute(), chosen.python, chosen.without.split(","))
        return
    end = time.monotonic() + 60 * chosen.minutes
    python = ensure_packages(chosen.wheels)
    with tempfile.TemporaryDirectory(prefix="gpu-check-store-") as folder:
        store = Path(folder)
        prepare = [python, "-m", "benchmarks.speed.packed_weights", "store", str(chosen.wheels.absolute()), str(store)]
        if subprocess.run(prepare, cwd=REPOSITORY).returncode:
            say("there are no weights: see --help")
            sys.exit(NOT_READY)
        found = check_all(python, chosen.device, store, end)
    print_all(found)
    facts = {"device": chosen.device, "python": platform.python_version(), "machine": platform.platform()}
    chosen.json.write_text(json.dumps(facts | {"checks": list(map(asdict, found))}, indent=1) + "\n", encoding="utf-8")
    say(f"written to {chosen.json}")
    sys.exit(FAILED if any(each.result == "failed" for each in found) else 0)


if __name__ == "__main__":
    main()

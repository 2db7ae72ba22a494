"""`make lock`: writes `requirements/`, the exact packages of the container image with the hashes of their files.

    runtime.txt      all that the service imports, the extras `mcp`, `shared` and `otel` too, but torch
    torch-cpu.txt    torch as PyTorch's index of CPU builds has it
    torch-cuda.txt   torch as PyPI has it, with NVIDIA's libraries and Triton
    pull.txt         what `silhouette models pull` needs beside runtime.txt: the image's weights are made with it

torch has two files because it is two builds of one version: on Linux, 2.13.0 on PyPI is for CUDA, and 2.13.0+cpu on
PyTorch's index is not. Each file lets in its own build and no other, wherever pip looks for it; what both builds need
is in runtime.txt. uv resolves for every platform and Python at once.

    .venv/bin/python scripts/lock.py PATH_OF_UV
"""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"

SERVED = ("--extra", "mcp", "--extra", "shared", "--extra", "otel")
"""Who runs the image cannot add to it, and agents are clients as others are."""

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CPU_WHEEL = (
    r"torch-{version}(?:%2B|\+)cpu-cp31[1-3]-cp31[1-3]-manylinux\w+_(?:x86_64|aarch64)\.whl#sha256=([0-9a-f]{{64}})"
)
CPU_WHEELS = 6
"""Python 3.11, 3.12 and 3.13, on x86-64 and on aarch64."""
PATIENCE_S = 10.0

ELSEWHERE = re.compile(r"sys_platform == '(?:win32|emscripten)'")
"""What no Linux image has, and its bill of materials therefore not."""

CUDA = re.compile(r"(nvidia-|cuda-|triton)")

HEAD = "# Made by `make lock` from pyproject.toml: see scripts/lock.py. Do not edit.\n"

Lock = dict[str, str]
"""Each package's block, as pip reads it, by name. A name has several where its version depends on the machine."""


def main() -> None:
    (uv,) = sys.argv[1:]
    everything = resolve(uv, *SERVED)
    cuda = {name: block for name, block in everything.items() if name == "torch" or CUDA.match(name)}
    write("runtime.txt", {name: block for name, block in everything.items() if name not in cuda})
    write("torch-cuda.txt", cuda)
    write("torch-cpu.txt", {"torch": cpu_builds(cuda["torch"])})
    pull = resolve(uv, *SERVED, "--extra", "pull", "--constraints", str(REQUIREMENTS / "runtime.txt"))
    write("pull.txt", {name: block for name, block in pull.items() if name not in everything})


def resolve(uv: str, *options: str) -> Lock:
    """Every package that pyproject.toml asks for, the newest versions that go together."""
    command = [uv, "pip", "compile", "pyproject.toml", *options, "--universal", "--python-version", "3.11"]
    command += ["--upgrade", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    compiled = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    lock: Lock = {}
    for block in re.findall(r"^\S.*\n(?:[ ].*\n)*", compiled, re.MULTILINE):
        name = re.match(r"[\w.-]+", block)
        assert name is not None, block
        if ELSEWHERE.search(block.partition("\n")[0]):
            continue
        lock[name[0]] = lock.get(name[0], "") + block
    return lock


def write(file: str, lock: Lock) -> None:
    (REQUIREMENTS / file).write_text(HEAD + "".join(lock[name] for name in sorted(lock)))


def cpu_builds(torch: str) -> str:
    """The CPU builds of the same version, pinned as a block like the others."""
    version = re.match(r"torch==([\d.]+)", torch)
    assert version is not None, torch
    hashes = sorted(cpu_hashes(version[1]))
    return " \\\n".join([f"torch=={version[1]}+cpu", *(f"    --hash=sha256:{each}" for each in hashes)]) + "\n"


def cpu_hashes(version: str) -> set[str]:
    """As PyTorch's index lists them; where it is not reached, those that the lock has for this version already."""
    try:
        with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=PATIENCE_S) as page:
            found = set(re.findall(CPU_WHEEL.format(version=re.escape(version)), page.read().decode()))
    except OSError as error:
        found = kept_hashes(version)
        sys.stderr.write(f"{CPU_INDEX}: {error}; its hashes of torch {version} are kept as they were\n")
    if len(found) != CPU_WHEELS:
        sys.exit(f"torch {version} has {len(found)} CPU builds in {CPU_INDEX}, not {CPU_WHEELS}")
    return found


def kept_hashes(version: str) -> set[str]:
    file = REQUIREMENTS / "torch-cpu.txt"
    text = file.read_text() if file.exists() else ""
    return hashes_of(text) if f"torch=={version}+cpu " in text else set()


def hashes_of(block: str) -> set[str]:
    return set(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))


if __name__ == "__main__":
    main()

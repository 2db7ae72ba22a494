"""Where `make install` takes torch from: the script, the real pip and an empty environment, indexes on this machine.

Their torch is a wheel of a few bytes that says of itself what the real ones say.
"""

import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts import install_torch
from scripts.install_torch import choose

SCRIPT = Path(install_torch.__file__)
CUDA_LIBRARY = "nvidia-cublas==13.1.1.3; platform_system == 'Linux'"
PATIENCE_S, HASTE_S = 60.0, 0.2

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch has one build, and nothing is chosen")


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, *_: object) -> None:
        """Nothing: pytest shows what failed."""


@contextmanager
def index_of(folder: Path) -> Iterator[str]:
    """The address of a package index that has what is in `folder`, one folder a project."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def publish(folder: Path, version: str, *requirements: str) -> None:
    """Put a torch of this version into the index in `folder`."""
    project = folder / "torch"
    project.mkdir(parents=True, exist_ok=True)
    about = f"torch-{version}.dist-info"
    metadata = ["Metadata-Version: 2.1", "Name: torch", f"Version: {version}"]
    files = {
        "torch/__init__.py": "",
        f"{about}/METADATA": "\n".join(metadata + [f"Requires-Dist: {each}" for each in requirements]) + "\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(project / f"torch-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)


@pytest.fixture(autouse=True)
def nothing_decided_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCH", "TORCH_INDEX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def cpu_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As PyTorch's: builds whose version says cpu, one of them newer than pyproject.toml allows."""
    folder = tmp_path_factory.mktemp("cpu")
    publish(folder, "2.13.0+cpu")
    publish(folder, "99.0.0+cpu")
    with index_of(folder) as address:
        yield address


@pytest.fixture(scope="module")
def pypi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As PyPI: on Linux its torch needs NVIDIA's libraries."""
    folder = tmp_path_factory.mktemp("pypi")
    publish(folder, "2.13.0", CUDA_LIBRARY)
    with index_of(folder) as address:
        yield address


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip's configuration names, with a CPU build in it."""
    folder = tmp_path_factory.mktemp("disk")
    publish(folder, "2.13.0+cpu")
    return folder / "torch"


@pytest.fixture
def silent_index() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Of an environment that has pip and nothing else."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = importlib.util.find_spec("pip")
    assert pip is not None
    assert pip.origin is not None
    site_packages = next(folder.glob("lib/python*/site-packages"))
    (site_packages / "pip").symlink_to(Path(pip.origin).parent)
    return folder / "bin" / "python"


Install = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def install(python: Path, pypi: str, cpu_index: str, tmp_path: Path) -> Install:
    """Runs the script; what the test names replaces the healthy surroundings without a GPU."""

    def run(*, driver: Path = tmp_path / "no driver", cpu: str = cpu_index, **environment: str) -> Any:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": pypi, "PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0"}
        arguments = ["--driver", str(driver), "--cpu-index", cpu, "--patience", str(PATIENCE_S)]
        return subprocess.run(
            [python, SCRIPT, *arguments],
            env=kept | pip | environment,
            capture_output=True,
            text=True,
            timeout=10 * PATIENCE_S,
            check=False,
        )

    return run


@pytest.fixture
def installed(python: Path) -> Callable[[], str | None]:
    def version() -> str | None:
        found = list(python.parents[1].glob("lib/python*/site-packages/torch-*.dist-info"))
        return found[0].name.removeprefix("torch-").removesuffix(".dist-info") if found else None

    return version


Installed = Callable[[], str | None]


def first_line(ran: "subprocess.CompletedProcess[str]") -> str:
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()[0]


def megabytes(line: str) -> int:
    """What is to be downloaded in all."""
    found = re.search(r"about (\d+) MB to download in all$", line)
    assert found, line
    return int(found[1])


def test_a_cpu_build_comes_first_stays_and_gives_way_to_cuda_when_asked(
    install: Install, installed: Installed, cpu_index: str
) -> None:
    said = first_line(install())
    assert said.startswith(f"torch 2.13.0+cpu from {cpu_index}, as there is no NVIDIA driver: ")
    assert megabytes(said) < 500
    assert installed() == "2.13.0+cpu"
    again = install(cpu="http://127.0.0.1:1")
    assert (again.returncode, again.stdout) == (0, "")
    said = first_line(install(TORCH="cuda"))
    assert said.startswith("torch 2.13.0 from pip's own sources, as TORCH=cuda asks: ")
    assert "MB of CUDA libraries" in said
    assert megabytes(said) > 2000
    assert installed() == "2.13.0"


def test_a_cpu_build_on_disk_is_taken_where_the_index_is_not_reached(
    install: Install, installed: Installed, disk: Path
) -> None:
    said = first_line(install(cpu="http://127.0.0.1:1", PIP_FIND_LINKS=str(disk)))
    reason = f"as http://127.0.0.1:1 did not answer within {PATIENCE_S:g} s"
    assert said.startswith(f"torch 2.13.0+cpu from pip's own sources, {reason}: on this disk; about ")
    assert installed() == "2.13.0+cpu"


def test_an_index_without_a_build_for_this_python_is_done_without(install: Install, tmp_path: Path) -> None:
    publish(tmp_path, "99.0.0+cpu")
    with index_of(tmp_path) as index:
        said = first_line(install(cpu=index, PIP_DRY_RUN="1"))
    assert said.startswith(f"torch 2.13.0 from pip's own sources, as {index} has no build for this Python: ")


def test_torch_cuda_does_not_take_a_cpu_build_that_lies_nearer(install: Install, disk: Path) -> None:
    said = first_line(install(TORCH="cuda", PIP_FIND_LINKS=str(disk), PIP_DRY_RUN="1"))
    assert said.startswith("torch 2.13.0 from pip's own sources, as TORCH=cuda asks: ")


def test_torch_cpu_is_refused_where_only_cuda_is_to_be_had(install: Install, installed: Installed) -> None:
    refused = install(cpu="http://127.0.0.1:1", TORCH="cpu")
    assert refused.returncode == 1
    assert refused.stderr.startswith("TORCH=cpu, but torch 2.13.0 from pip's own sources, ")
    assert "TORCH_INDEX" in refused.stderr
    assert installed() is None


def test_torch_is_cpu_or_cuda(install: Install) -> None:
    refused = install(TORCH="gpu")
    assert (refused.returncode, refused.stderr) == (1, "TORCH is cpu or cuda, not 'gpu'\n")


def test_a_driver_speaks_against_the_cpu_index_and_torch_cpu_overrules_it(cpu_index: str, tmp_path: Path) -> None:
    driver = tmp_path / "version"
    driver.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module")
    chosen = choose("", [tmp_path / "absent", driver], cpu_index, PATIENCE_S)
    assert chosen.index is None
    assert f"an NVIDIA driver, {driver}" in chosen.reason
    assert choose("cpu", [driver], cpu_index, PATIENCE_S).index == cpu_index


def test_an_index_that_hangs_is_not_waited_for(silent_index: str) -> None:
    began = time.monotonic()
    assert choose("", [], silent_index, HASTE_S).index is None
    assert time.monotonic() - began < PATIENCE_S / 2


def test_an_index_without_torch_is_done_without(pypi: str) -> None:
    assert choose("", [], f"{pypi}/whl/cpu", PATIENCE_S).index is None


def test_an_index_that_is_named_is_taken_without_asking(silent_index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_INDEX", silent_index)
    assert choose("", [], "http://127.0.0.1:1", PATIENCE_S).index == silent_index
    monkeypatch.setenv("TORCH_INDEX", "")
    assert choose("", [], silent_index, HASTE_S).index is None

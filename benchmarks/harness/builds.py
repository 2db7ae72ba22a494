"""Builds of the service that are measured beside each other: this checkout, another folder, or a commit."""

import contextlib
import io
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.configuration_errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[2]
WEIGHTS = "model.safetensors"


class NoSuchBuild(ConfigurationError):
    """There is no such commit or folder, or what is there does not run."""


@dataclass(frozen=True)
class Build:
    """A checkout, and the interpreter that runs it from its folder."""

    name: str
    folder: Path
    python: Path


HERE = Build("here", REPOSITORY, Path(sys.executable))


@contextlib.contextmanager
def older_build(base: str) -> Iterator[Build]:
    """The checkout in the folder `base`; or the commit `base`, unpacked beside this checkout until the block ends.

    A folder runs on its own `.venv` where it has one, else on this checkout's packages, as a commit always does: its
    code comes from its own folder, as that is the first place where Python looks. Raises NoSuchBuild.
    """
    if Path(base).is_dir():
        yield _checked(Path(base).resolve())
        return
    with tempfile.TemporaryDirectory(prefix=f"silhouette-{base[:12]}-", dir=REPOSITORY.parent) as folder:
        _unpack(base, Path(folder))
        _link_weights(Path(folder))
        yield _checked(Path(folder).resolve())


def _unpack(commit: str, folder: Path) -> None:
    done = subprocess.run(["git", "archive", "--format=tar", commit], cwd=REPOSITORY, capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise NoSuchBuild(f"{commit!r} is neither a folder nor a commit of this repository: {said}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        files.extractall(folder, filter="data")


def _link_weights(folder: Path) -> None:
    """Those of this checkout, for models that have the same there."""
    for card in (folder / "model_store").glob("*/card.toml"):
        ours = REPOSITORY / "model_store" / card.parent.name
        weights = ours / WEIGHTS
        if weights.is_file() and _digest(card) == _digest(ours / card.name):
            (card.parent / WEIGHTS).symlink_to(weights.resolve())


def _digest(card: Path) -> str:
    digest: str = tomllib.loads(card.read_text(encoding="utf-8"))["converted"]["sha256"]
    return digest


def _checked(folder: Path) -> Build:
    """Raises NoSuchBuild where it cannot even be imported."""
    own = folder / ".venv" / "bin" / "python"
    python = own if own.exists() else Path(sys.executable)
    tried = subprocess.run([python, "-c", "import service.app"], cwd=folder, capture_output=True, text=True)
    if tried.returncode:
        said = tried.stderr.strip().splitlines()[-1:]
        hint = "run `make install` there" if own.exists() else "give a folder in which `make install` was run"
        raise NoSuchBuild(f"{folder} does not run with {python}: {' '.join(said)}; {hint}")
    return Build("base", folder, python)

"""Runs the commands, each in a folder of its own."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.recorder.answers import Answer
from scripts.recorder.questions import Command
from scripts.recorder.server import environment, silhouette

TIMEOUT_S = 600.0

WIDE = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
"""So that no table is cut off, wherever it is run."""


def command(source: Path, question: Command, pictures: Path) -> Answer:
    """The exit code, what was said, and the files that it wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").symlink_to(pictures)
        settings = _own_store(source, folder) if question.own_store else {}
        done = subprocess.run(
            silhouette(*question.arguments),
            cwd=folder,
            env=environment(source, {**settings, **WIDE}),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        files = {f"out/{file.name}": file.read_bytes() for file in sorted(folder.glob("out/*"))}
        said = {"stdout": _placeless(done.stdout, source), "stderr": _placeless(done.stderr, source)}
        ranges = {f"{file.parent.name}-int8.json": _undated(file) for file in sorted(folder.glob("store/*/int8.json"))}
    return Answer(done.returncode, {}, {**said, **files, **ranges})


def _placeless(said: bytes, source: Path) -> bytes:
    """Without the place of the checkout, which some messages name."""
    return said.replace(str(source).encode(), b"CHECKOUT")


def _own_store(source: Path, folder: Path) -> dict[str, str]:
    """A copy whose weights are links: what a command writes there, it writes beside them."""
    shutil.copytree(source / "model_store", folder / "store", copy_function=_copy)
    return {"SILHOUETTE_MODEL_STORE": "store"}


def _copy(source: str, target: str) -> None:
    if source.endswith(".safetensors"):
        os.symlink(source, target)
    else:
        shutil.copyfile(source, target)


def _undated(file: Path) -> bytes:
    """8-bit ranges without the day when they were measured."""
    return json.dumps({**json.loads(file.read_text()), "made": "..."}).encode()

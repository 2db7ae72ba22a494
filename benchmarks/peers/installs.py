"""Brings what the service is measured beside: peers, each in an environment of its own, and published weights."""

import subprocess
import sys
import venv
from pathlib import Path

import numpy as np

from benchmarks.harness.builds import REPOSITORY
from benchmarks.harness.photos import calibration_photos
from benchmarks.harness.servers import HANDLERS, StartFailed
from service.cli.console import download_progress, say
from service.models.store import ModelStore
from service.models.store.store import sha256_of
from service.settings import read_settings

REMBG = "rembg[cli,cpu]==2.0.86"
HANDLER = ("fastapi", "uvicorn", "python-multipart", "onnxruntime", "pillow", "numpy")
OPENVINO = ("fastapi", "uvicorn", "python-multipart", "openvino==2026.4.1", "nncf==3.4.0", "pillow", "numpy")
LITSERVE = ("litserve", "python-multipart", "onnxruntime", "pillow", "numpy")

PEERS = REPOSITORY / ".cache" / "peers"
ORIGINALS = REPOSITORY / ".cache" / "originals"


def install_rembg() -> Path:
    """The `rembg` program."""
    return install_peer("rembg", REMBG) / "rembg"


def install_peer(name: str, *requirements: str) -> Path:
    """The folder of programs of a virtual environment of its own. Raises StartFailed where pip cannot bring it."""
    folder = PEERS / name
    python, done = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        say(f"installing {', '.join(requirements)} into {folder}: once, about a minute")
        venv.create(folder, with_pip=True, symlinks=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        if subprocess.run(command, stdout=sys.stderr).returncode:
            raise StartFailed(f"pip could not install {', '.join(requirements)}")
        done.write_text(wanted)
    return python.parent


def quantized(python: Path, original: Path) -> Path:
    """U2-Net in 8 bits by NNCF, for OpenVINO. Raises StartFailed where it cannot be made."""
    network = PEERS / "u2net_int8.xml"
    if not network.is_file():
        say(f"making {network.name} with NNCF: once, about two minutes")
        calibration = PEERS / "calibration.npy"
        np.save(calibration, calibration_photos())
        script = HANDLERS / "quantize_u2net.py"
        if subprocess.run([python, script, original, network, calibration], stdout=sys.stderr).returncode:
            raise StartFailed("NNCF could not make 8 bits of U2-Net")
    return network


def fetch_original(model: str, folder: Path = ORIGINALS) -> Path:
    """The folder with the published file of `model`, which our own weights were converted from."""
    settings = read_settings()
    store = ModelStore(settings.model_store, settings.mirror)
    card = store.card(model)
    file = folder / card.download.file
    if not file.is_file() or sha256_of(file) != card.download.sha256:
        with download_progress() as progress:
            task = progress.add_task(card.download.file, total=None)
            store.fetch_original(card, folder, lambda done, total: progress.update(task, completed=done, total=total))
    return folder

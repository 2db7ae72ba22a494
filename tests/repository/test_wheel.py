"""The wheel by itself: built, installed into an empty environment with what it says it needs, and set to work.

Only torch is lent, files and metadata as they are: it is the one large dependency, and pip takes what is there for
installed. All that torch needs is installed like the rest, from where pip gets packages on this machine.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from tests.weights import pulled_weights

ROOT = Path(__file__).resolve().parents[2]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "service")
LENT = ("torch", "nvidia-", "cuda-", "triton")


def run(*command: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """As in a shell that knows nothing of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SILHOUETTE_"))}
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=600, check=False)


def pip(*arguments: str | Path) -> None:
    ran = run(sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check")
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, source)
    return next(built.glob("silhouette-*.whl"))


@pytest.fixture(scope="module")
def silhouette(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that has the wheel and its dependencies."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    lend_torch(next(environment.glob("lib/python*/site-packages")))
    pip("--python", environment / "bin" / "python", "install", "--no-compile", wheel)
    return environment / "bin" / "silhouette"


def lend_torch(site_packages: Path) -> None:
    """Links each file and folder that torch put into this Python's site-packages, and those of its CUDA libraries."""
    for distribution in importlib.metadata.distributions():
        if distribution.name.startswith(LENT):
            for top in {
                file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")
            }:
                link = site_packages / top
                if not link.exists():
                    link.symlink_to(Path(str(distribution.locate_file(top))))


def test_it_cuts_a_picture_out(silhouette: Path, tmp_path: Path) -> None:
    pulled_weights("selfie")
    Image.fromarray(data.astronaut()).save(tmp_path / "astronaut.png")
    settings = {"SILHOUETTE_MODEL_STORE": str(ROOT / "model_store"), "SILHOUETTE_MODELS": "selfie"}
    command = (silhouette, "remove-background", tmp_path / "astronaut.png", "--out", tmp_path / "out")
    ran = run(*command, **settings, SILHOUETTE_DEVICE="cpu", SILHOUETTE_WORKERS="1")
    assert ran.returncode == 0, ran.stderr
    alpha = Image.open(next((tmp_path / "out").iterdir())).getchannel("A")
    assert (alpha.size, alpha.getpixel((220, 110)), alpha.getpixel((330, 20))) == ((512, 512), 255, 0)


def test_it_has_the_scripts_that_redis_runs(wheel: Path) -> None:
    scripts = {str(path.relative_to(ROOT)) for path in (ROOT / "service").rglob("*.lua")}
    assert scripts
    assert scripts <= set(zipfile.ZipFile(wheel).namelist())


def test_without_the_pull_extra_a_pull_says_how_to_get_it(silhouette: Path, tmp_path: Path) -> None:
    store = shutil.copytree(ROOT / "model_store", tmp_path / "store", ignore=shutil.ignore_patterns("*.safetensors"))
    ran = run(silhouette, "models", "pull", SILHOUETTE_MODEL_STORE=str(store))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(
        "silhouette: pulling models needs the extra `pull`, and httpx2, onnx, pip, tflite cannot"
    )
    assert "pip install '.[pull]'" in ran.stderr

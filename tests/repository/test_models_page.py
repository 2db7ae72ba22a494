"""Every line of docs/models.md that brings a network is run, with a small one in the place of a large one.

The libraries themselves are not installed for the tests, see tests/system/test_known_families.py: what the lines call
of them is replaced by stand-ins of the same names, and everything else is as it is written.
SegFormer of transformers 5.24.0 and LRASPP of torchvision 0.28.0 were exported and added like this on 2026-11-28.
"""

import re
import shlex
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from service.cli import main
from service.kernels.library import cpu_flags
from service.models.store import ModelStore
from service.models.store.added.naming import BACKGROUND_NAME
from service.workers.precision import on_cpu
from tests.known_families import SmallDeepLab, SmallSegFormer
from tests.networks import Convolved
from tests.processor import needs_int8

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")

VOC_CLASSES = 21


class YourNetwork(Convolved):
    def __init__(self) -> None:
        super().__init__(3)


class Configured(SmallSegFormer):
    """As transformers' networks: with a configuration that can be saved, and an answer with a name."""

    config = types.SimpleNamespace(
        save_pretrained=lambda folder: Path(folder, "config.json").write_text('{"id2label": {"0": "wall", "1": "sky"}}')
    )

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        return {"logits": super().forward(pictures)}


def torchvision() -> dict[str, Any]:
    models = types.SimpleNamespace(
        segmentation=types.SimpleNamespace(deeplabv3_mobilenet_v3_large=lambda weights: SmallDeepLab(VOC_CLASSES))
    )
    return {"torchvision": types.SimpleNamespace(models=models)}


def transformers() -> dict[str, Any]:
    network = types.SimpleNamespace(from_pretrained=lambda name: Configured(2))
    return {"transformers": types.SimpleNamespace(SegformerForSemanticSegmentation=network)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with what the page says is there, and an empty store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    (tmp_path / "voc.txt").write_text("\n".join([BACKGROUND_NAME, *(f"class {n}" for n in range(1, VOC_CLASSES))]))
    torch.save(YourNetwork().state_dict(), tmp_path / "yours.pt")
    return tmp_path


def code_in(section: str) -> list[str]:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"```(?:python|bash)\n(.*?)```", text, re.DOTALL)


def run(python: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its older exporter
        exec(python, {"YourNetwork": YourNetwork})


def silhouette(command: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(shlex.split(command)[1:])
    assert left.value.code == 0


@pytest.mark.parametrize(
    ("section", "modules", "name", "classes"),
    [
        ("From torchvision", torchvision(), "deeplab-tv", VOC_CLASSES),
        ("From transformers", transformers(), "segformer", 3),
        ("From a checkpoint of your own", {}, "yours", 3),
    ],
)
def test_every_line_that_brings_a_network_runs(
    section: str,
    modules: dict[str, Any],
    name: str,
    classes: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, stand_in in modules.items():
        monkeypatch.setitem(sys.modules, module, stand_in)
    python, command = code_in(section)
    lines = [line for line in (python + command).splitlines() if line and not line.startswith("import ")]
    assert len(lines) <= 4
    run(python)
    silhouette(command)
    assert len(ModelStore(folder / "store").card(name).class_table) == classes


@needs_int8
def test_the_line_that_calibrates_one_runs(folder: Path) -> None:
    python, command = code_in("From a checkpoint of your own")
    run(python)
    silhouette(command)
    (folder / "pictures").mkdir()
    for name, take in {"astronaut": data.astronaut, "cat": data.chelsea}.items():
        Image.fromarray(take()).resize((96, 96)).save(folder / "pictures" / f"{name}.png")
    (command,) = code_in("In eight bits")
    silhouette(command)
    store = ModelStore(folder / "store")
    (checkpoint,) = on_cpu([store.checkpoint(store.card("yours"))], "yours=int8", cpu_flags())
    assert checkpoint.card.label.startswith("yours@1+int8")

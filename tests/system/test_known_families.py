"""Networks of known families answer through the service what they do in their own libraries' hands.

Each network is exported from torch with random weights. What surrounds it is written here as the libraries do it. That
this is what they do was checked on 2026-11-28 against torchvision 0.28.0 (`SemanticSegmentation`: the same for Pillow's
pictures, one level of 255 for tensors) and transformers 5.24.0 (`SegformerImageProcessor`: one level; its
`post_process_semantic_segmentation`: the same). Neither is installed for the tests: transformers takes 129 MB, and the
torchvision of PyPI does not import beside the torch for CPUs that we install.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from torch import Tensor, nn

from service.cli import main
from service.models.decisions import confidence, label_map
from service.models.inputs import fit
from service.models.labels import Prediction, Size
from service.models.segmenters import FAMILIES
from service.models.segmenters.devices import Device
from service.models.store import ModelStore
from tests.known_families import SmallBiRefNet, SmallDeepLab, SmallMODNet, SmallSegFormer, SmallUNet
from tests.networks import export

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
CLASSES = "background,cat,dog,bird,boat"

PHOTO = Image.fromarray(data.astronaut()[:360, :480]).resize((1440, 1080), Image.Resampling.LANCZOS)
"""Wider than high, so that swapped sides show, and larger than what networks see, as photos are: of a smaller one the
service averages what libraries sample."""


@dataclass(frozen=True)
class Family:
    """A network, how its library feeds it, and how `models add` is told."""

    network: nn.Module
    side: int
    options: tuple[str, ...]
    resample: Image.Resampling = Image.Resampling.BILINEAR
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    outputs: tuple[str, ...] = ("output",)
    shown: tuple[int, int] | None = None
    """Where the network sees pictures as they lie: the size that its library chooses for `PHOTO`."""

    def logits(self) -> Tensor:
        """Resize, to tensor, normalise, forward: the first output."""
        size = self.shown or (self.side, self.side)
        pixels = np.asarray(PHOTO.resize(size, self.resample), np.float32) / 255
        normalised = (torch.from_numpy(pixels) - torch.tensor(self.mean)) / torch.tensor(self.std)
        with torch.inference_mode():
            answer = self.network.eval()(normalised.permute(2, 0, 1)[None])
        return answer if isinstance(answer, Tensor) else answer[0]


FAMILIES_BROUGHT = {
    "unet": Family(SmallUNet(), 96, ("--mean", *map(str, MEAN), "--std", *map(str, STD), "--filter", "bilinear")),
    "deeplab": Family(
        SmallDeepLab(5), 128, ("--like", "deeplab", "--classes", CLASSES, "--size", "128"), outputs=("out", "aux")
    ),
    "segformer": Family(SmallSegFormer(5), 128, ("--like", "segformer", "--classes", CLASSES, "--size", "128")),
    "birefnet": Family(SmallBiRefNet(), 1024, ("--like", "birefnet")),
    "modnet": Family(SmallMODNet(), 512, ("--like", "modnet"), Image.Resampling.BOX, HALF, HALF),
    # MODNet's demo: the shorter side 512, both cut to multiples of 32; torchvision: the shorter side as it is told.
    "open-modnet": Family(SmallMODNet(), 512, ("--like", "modnet"), Image.Resampling.BOX, HALF, HALF, shown=(672, 512)),
    "open-deeplab": Family(
        SmallDeepLab(5),
        128,
        ("--like", "deeplab", "--classes", CLASSES, "--size", "128"),
        outputs=("out", "aux"),
        shown=(170, 128),
    ),
    # Which answers a quarter of what it sees.
    "open-segformer": Family(
        SmallSegFormer(5),
        128,
        ("--like", "segformer", "--resize", "shorter", "--multiple", "32", "--classes", CLASSES, "--size", "128"),
        shown=(160, 128),
    ),
}


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Prediction]:
    """Exports and adds a network, and asks it through what the service does around a network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()

    def run(name: str) -> Prediction:
        family = FAMILIES_BROUGHT[name]
        file = export(
            family.network,
            tmp_path / "net.onnx",
            family.side,
            family.side,
            outputs=family.outputs,
            open_sizes=family.shown is not None,
        )
        with pytest.raises(SystemExit) as left:
            main(["models", "add", str(file), "--name", name, *family.options])
        assert left.value.code == 0
        checkpoint = ModelStore(tmp_path / "store").checkpoint(ModelStore(tmp_path / "store").card(name))
        card = checkpoint.card
        pixels, box = fit(PHOTO, card)
        (scores,) = FAMILIES[card.family].load(checkpoint, Device.find("cpu")).predict([pixels])
        return Prediction(card.output.head, scores, box, Size(*PHOTO.size), card.class_table)

    return run


def enlarged(logits: Tensor) -> Tensor:
    """To the photo's size, as libraries do before they take the largest."""
    return F.interpolate(logits, PHOTO.size[::-1], mode="bilinear", align_corners=False)[0]


@pytest.mark.parametrize("name", ["unet", "birefnet"])
def test_a_mask_of_logits_is_that_of_its_own_library(name: str, predict: Callable[[str], Prediction]) -> None:
    expected = enlarged(FAMILIES_BROUGHT[name].logits().sigmoid())[0].numpy()
    assert_the_same(foreground(predict(name)), expected)


@pytest.mark.parametrize("name", ["modnet", "open-modnet"])
def test_a_matte_is_that_of_its_own_library(name: str, predict: Callable[[str], Prediction]) -> None:
    expected = enlarged(FAMILIES_BROUGHT[name].logits())[0].numpy()
    assert_the_same(foreground(predict(name)), expected)


@pytest.mark.parametrize("name", ["deeplab", "segformer", "open-deeplab", "open-segformer"])
def test_the_classes_of_a_picture_are_those_of_its_own_library(name: str, predict: Callable[[str], Prediction]) -> None:
    expected = enlarged(FAMILIES_BROUGHT[name].logits()).argmax(dim=0).numpy()
    labels = label_map(predict(name), 0.5)
    assert len(np.unique(expected)) > 1
    assert (
        np.mean(labels == expected) > 0.999
    )  # two enlargements of floats, which round where two classes are as strong


def foreground(prediction: Prediction) -> NDArray[np.float32]:
    """(H, W): the probability, at the photo's size."""
    sure = confidence(prediction, 0.5)
    return np.where(label_map(prediction, 0.5) == 1, sure, 1 - sure)


def assert_the_same(found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    assert np.ptp(expected) > 0.05
    assert np.abs(found - expected).max() < 2e-3

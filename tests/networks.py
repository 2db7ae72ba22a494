"""Small networks with random weights, exported from torch to ONNX as their owners would."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn


def export(
    network: nn.Module,
    target: Path,
    height: int,
    width: int,
    *,
    outputs: Sequence[str] = ("output",),
    open_sizes: bool = False,
    example: Tensor | None = None,
) -> Path:
    """For one picture, float NCHW unless `example` is another; `open_sizes` leaves its sides to whoever runs it."""
    axes: Mapping[str, Mapping[int, str]] = {"input": {0: "batch", 2: "height", 3: "width"}} if open_sizes else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its older exporter: the newer needs packages of its own
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, height, width) if example is None else example,),
            str(target),
            input_names=["input"],
            output_names=list(outputs),
            dynamic_axes=axes,
            dynamo=False,
        )
    return target


class Convolved(nn.Module):
    """(N, 3, h, w) -> (N, `channels`, h, w), and through `last`."""

    def __init__(self, channels: int, last: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(channels)
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, channels, 1)
        )
        self.last = last or nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        result: Tensor = self.last(self.body(pictures))
        return result


class Labelled(Convolved):
    """(N, h, w) ids of classes."""

    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures).argmax(dim=1)


class ManyOutputs(Convolved):
    """A vector, a map at half the size, the map that is meant, and a side output like it."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        logits = super().forward(pictures)
        return logits.mean(dim=(2, 3)), logits[:, :, ::2, ::2], logits, -logits


class Colored(nn.Module):
    """(N, h, w, 3) uint8 -> (N, h, w, 2): it normalises by itself, and lays pixels out as TensorFlow does."""

    def forward(self, pixels: Tensor) -> Tensor:
        red = pixels[..., :1].float() / 255
        return torch.cat([1 - red, red], dim=3)

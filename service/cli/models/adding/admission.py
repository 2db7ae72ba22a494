"""An ONNX file becomes a card and weights in a folder of the store, once it has shown what it sees in a photo."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from service.cli.models.adding.asking import ask
from service.cli.models.adding.origin import Original
from service.cli.models.example import SAMPLE, Example, cpu, read_photo
from service.configuration_errors import BadGraph, ConfigurationError
from service.models.golden import write_golden
from service.models.inputs import seen
from service.models.store import Checkpoint, ModelCard
from service.models.store.added.graph import Graph, pack
from service.models.store.added.making import (
    Told,
    candidates,
    choose_output,
    input_spec,
    make_card,
    name_answer,
    output_spec,
    values_of,
)
from service.models.store.added.toml_text import as_toml
from service.models.store.card import DownloadSpec
from service.models.store.store import GOLDEN_FILE, sha256_of
from service.settings import Settings

if TYPE_CHECKING:
    from service.models.segmenters.devices import Device


def admit(original: Original, folder: Path, told: Told, photo: Path, settings: Settings) -> Example:
    """Writes into `folder`, which is called like the model; a golden answer, too, where `photo` is the one we ship.

    Raises ConfigurationError, in one line, for everything that is wrong with the file or with what is told of it.
    """
    picture, device = read_photo(photo, settings.max_pixels), cpu(settings)
    weights = folder / "model.onnx"
    graph = pack(original.file, weights, settings.max_model_bytes)
    card = _card(graph, weights, told, original, picture, device)
    (folder / "card.toml").write_text(as_toml(card), encoding="utf-8")
    _check_longest(Checkpoint(card, weights), device)
    example = Example.of(Checkpoint(card, weights), picture, device)
    if photo == SAMPLE:
        write_golden(example.prediction, folder / GOLDEN_FILE)
    return example


def _check_longest(checkpoint: Checkpoint, device: "Device") -> None:
    """Raises BadGraph for a network of open sides that does not answer for the longest as it does for a square."""
    from service.models.segmenters.onnx import OnnxSegmenter

    width, height = checkpoint.card.input.most
    if checkpoint.card.input.longest is None:
        return
    try:
        OnnxSegmenter.load(checkpoint, device).predict([np.zeros((height, width, 3), np.uint8)])
    except (RuntimeError, ConfigurationError) as error:
        reason = " ".join(str(error).split())
        raise BadGraph(f"it does not see {width}x{height}: {reason}; say --resize stretch for one size") from error


def _card(
    graph: Graph, weights: Path, told: Told, original: Original, picture: Image.Image, device: "Device"
) -> ModelCard:
    from service.models.segmenters.onnx import look

    shown = input_spec(graph, told, ask)
    pixels, _ = seen(picture, shown.of_one_size())
    meant = candidates(graph, told)
    answers = look(weights, [output.name for output in meant], pixels, shown.of_one_size(), device)
    output = choose_output(meant, answers, graph.layout)
    answer = answers[output.name]
    values = values_of(answer, output, graph.ends_in[output.name], told)
    naming = name_answer(answer, values, graph.layout, told, ask)
    download = DownloadSpec(
        file=original.file_name,
        sha256=sha256_of(weights),
        size_bytes=weights.stat().st_size,
        sources=(original.source,),
    )
    given = output_spec(answer, output, values, graph.layout, naming)
    return make_card(weights.parent.name, told, shown, given, naming.classes, download)

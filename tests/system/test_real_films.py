"""A real person who moves over a real background, by a real network: the truth of every frame is known, as the film is
made of the two. Each film is done twice: with the frames around it, and frame by frame."""

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from service.cli.evaluation.boundary import boundary_f
from service.engine.engine import Engine
from service.settings import read_settings
from service.video.choice import FilmChoice
from service.video.files import FilmFiles
from service.video.film import make_film
from service.video.source import Limits
from tests.clips import flicker, iou, noisy, read_alpha, write_clip
from tests.weights import pulled_weights

SIDE_PX = 224
FRAMES = 20
NOISE_LEVELS = 6.0

Levels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def make() -> Iterator[Callable[..., None]]:
    """Makes a film with selfie."""
    pulled_weights("selfie")
    with asyncio.Runner() as runner:
        engine = Engine.build(read_settings(models=("selfie",), device="cpu", workers=1))
        runner.run(engine.pool.start())

        def make(source: Path, result: Path, **given: Any) -> None:
            choice = FilmChoice.of({"format": result.suffix[1:], "speed": "fastest", **given})
            runner.run(make_film(engine, FilmFiles(source, result), choice, Limits(1_000_000)))

        yield make
        runner.run(engine.stop(5.0))


@pytest.fixture(scope="module")
def person(make: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Image.Image:
    """The astronaut, cut out of her photo, larger than life: her background is gone."""
    folder = tmp_path_factory.mktemp("person")
    photo = np.asarray(Image.fromarray(data.astronaut()).resize((SIDE_PX, SIDE_PX)))
    make(write_clip(folder / "photo.mkv", [photo], codec="ffv1"), folder / "cut.zip", speed="balanced")
    with zipfile.ZipFile(folder / "cut.zip") as archive:
        return Image.open(io.BytesIO(archive.read("frame-000001.png"))).convert("RGBA")


def walking(person: Image.Image, step_px: float) -> tuple[list[Levels], list[Levels]]:
    """Frames with the noise of a camera, and the truth of each."""
    room = Image.fromarray(data.coffee()).resize((SIDE_PX, SIDE_PX))
    frames, truths = [], []
    for number in range(FRAMES):
        place = (round(step_px * (number - FRAMES / 2)), 0)
        frame, truth = room.copy(), Image.new("L", room.size)
        frame.paste(person, place, person)
        truth.paste(person.getchannel("A"), place)
        frames.append(np.asarray(frame))
        truths.append(np.asarray(truth))
    return noisy(frames, NOISE_LEVELS), truths


def both(make: Callable[..., None], frames: Sequence[Levels], folder: Path) -> tuple[list[Levels], list[Levels]]:
    """Alpha with the frames around each, and frame by frame."""
    source = write_clip(folder / "in.mkv", frames, codec="ffv1")
    make(source, folder / "steady.webm")
    make(source, folder / "alone.webm", smoothing="0")
    return read_alpha(folder / "steady.webm"), read_alpha(folder / "alone.webm")


def test_a_person_who_stands_still_flickers_by_a_tenth(
    make: Callable[..., None], person: Image.Image, tmp_path: Path
) -> None:
    frames, truths = walking(person, 0.0)
    steady, alone = both(make, frames, tmp_path)
    assert flicker(steady[6:-6], truths[6:-6]) < 0.1 * flicker(alone[6:-6], truths[6:-6])
    assert np.mean([iou(*pair) for pair in zip(steady, truths, strict=True)]) > 0.85


@pytest.mark.parametrize("step_px", [1.0, 4.0])
def test_a_person_who_walks_is_where_she_is_on_every_frame(
    make: Callable[..., None], person: Image.Image, tmp_path: Path, step_px: float
) -> None:
    frames, truths = walking(person, step_px)
    steady, alone = both(make, frames, tmp_path)
    for found, single, truth in zip(steady, alone, truths, strict=True):
        assert iou(found, truth) > iou(single, truth) - 0.02
    assert mean_boundary_f(steady, truths) > mean_boundary_f(alone, truths) - 0.02
    assert flicker(steady, truths) < flicker(alone, truths)


def mean_boundary_f(mattes: Sequence[Levels], truths: Sequence[Levels]) -> float:
    everywhere = np.ones((SIDE_PX, SIDE_PX), np.bool_)
    scores = [boundary_f(a > 127, b > 127, everywhere, 2) for a, b in zip(mattes, truths, strict=True)]
    return float(np.mean([score for score in scores if score is not None]))

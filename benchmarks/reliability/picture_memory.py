"""What one picture takes in the serving process's memory, from its bytes to those of the answer."""

import argparse
import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from skimage import data

from benchmarks.harness.memory import peak_bytes
from service.engine.looking import Look, Views, views_of
from service.models.store import ModelStore
from service.operations.blur_background import BLUR_BACKGROUND
from service.operations.color_pop import COLOR_POP
from service.operations.effect import Effect
from service.operations.operation import Seen
from service.operations.options import parse_options
from service.operations.remove_background import REMOVE_BACKGROUND
from service.operations.replace_background import REPLACE_BACKGROUND
from service.pixels.decode import decode
from service.queue.ticket import Outcome
from service.settings import MEGAPIXEL, read_settings
from service.telemetry.stopwatch import Stopwatch
from service.workers.allocator import return_large_blocks


class Work(NamedTuple):
    effect: Effect[Any]
    given: Mapping[str, str] = {}
    subject_share: float = 0.7
    """Of the photo's width and height. A closer look is had at what is small, and costs the more the smaller it is."""


WORK: dict[str, Work] = {
    "remove-background": Work(REMOVE_BACKGROUND),
    "replace-background, a colour": Work(REPLACE_BACKGROUND, {"color": "white"}),
    "blur-background": Work(BLUR_BACKGROUND),
    "color-pop": Work(COLOR_POP),
    "remove-background, effort=balanced, a small subject": Work(REMOVE_BACKGROUND, {"effort": "balanced"}, 0.05),
    "remove-background, effort=best, a small subject": Work(REMOVE_BACKGROUND, {"effort": "best"}, 0.05),
}
SIZES = {"1080p": (1920, 1080), "12 MP": (4000, 3000)}


def answer(jpeg: bytes, work: Work) -> bytes:
    """As the pipeline does, with a subject in the middle of the picture."""
    card = ModelStore(read_settings().model_store).card("u2net")
    options = parse_options(work.effect.options, {"format": "png", **work.given})
    photo = decode(jpeg, 200 * MEGAPIXEL)
    twice = options.effort == "best"
    first = look(views_of(photo.on_white(), card, twice=twice), work.subject_share)
    subject = first.subject([1])
    if options.effort != "fast" and (crop := first.crop([1])):
        part = photo.on_white().crop(crop)
        subject = first.closer_subject(look(views_of(part, card, twice=twice), 0.8), crop, [1])
    seen = Seen(photo, subject.prediction, card, subject.class_ids, sent=photo.size)
    return work.effect.finish(seen, options, ["png"], Stopwatch()).body


def look(views: Views, subject_share: float) -> Look:
    """What a network says that sees a square of that share of the picture."""
    (card,) = {view.card.name: view.card for view in views.values()}.values()
    scores = np.zeros(card.score_shape, np.float32)
    height, width = scores.shape[1:]
    top, left = (round(side * (1 - subject_share) / 2) for side in (height, width))
    scores[:, top : height - top, left : width - left] = 1
    return Look.of(views, dict.fromkeys(views, Outcome(scores, "cpu", 0, 1, 0.0, 0.0)))


def measure(work: str, size: str) -> int:
    """Peak bytes, in a process in which a small picture went the same way before."""
    photo = Image.fromarray(data.astronaut())
    small, large = (_jpeg(photo.resize(pixels)) for pixels in ((64, 64), SIZES[size]))
    return_large_blocks()
    answer(small, WORK[work])
    return peak_bytes(lambda: answer(large, WORK[work]))


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # what each process of its own measures
    chosen = parser.parse_args(arguments)
    if chosen.one:
        print(measure(*chosen.one))
        return
    table = Table("peak", *(f"{size}, MB" for size in SIZES), "MB a megapixel", box=None)
    for work in WORK:
        peaks = []
        for size in SIZES:
            command = [sys.executable, "-m", "benchmarks.reliability.picture_memory", "--one", work, size]
            peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1e6)
        table.add_row(work, *(f"{peak:.0f}" for peak in peaks), f"{peaks[-1] / 12:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""What one picture takes in the serving process's memory, from its bytes to those of the answer."""

import argparse
import io
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from skimage import data

from service.models.inputs import fit
from service.models.labels import Prediction
from service.models.store import ModelStore
from service.operations.blur_background import BLUR_BACKGROUND
from service.operations.color_pop import COLOR_POP
from service.operations.effect import Effect, Scene
from service.operations.options import parse_options
from service.operations.remove_background import REMOVE_BACKGROUND
from service.operations.replace_background import REPLACE_BACKGROUND
from service.pixels.decode import decode
from service.pixels.encoders import PICTURE_ENCODERS
from service.pixels.matting import matte
from service.settings import MEGAPIXEL, read_settings
from service.workers.allocator import return_large_blocks

WORK: dict[str, tuple[Effect[Any], Mapping[str, str]]] = {
    "remove-background": (REMOVE_BACKGROUND, {}),
    "replace-background, a colour": (REPLACE_BACKGROUND, {"color": "white"}),
    "blur-background": (BLUR_BACKGROUND, {}),
    "color-pop": (COLOR_POP, {}),
}
SIZES = {"1080p": (1920, 1080), "12 MP": (4000, 3000)}
STATUS = Path("/proc/self/status")
KB = 1024


def peak_bytes(work: Callable[[], object]) -> int:
    """What `work` adds to the resident memory of this process at its highest. Linux only."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * KB


def answer(jpeg: bytes, effect: Effect[Any], given: Mapping[str, str]) -> bytes:
    """As the pipeline does, with a subject that fills the left half of the picture."""
    card = ModelStore(read_settings().model_store).card("u2net")
    photo = decode(jpeg, 200 * MEGAPIXEL)
    _, box = fit(photo.on_white(), card)
    scores = np.zeros(card.score_shape, np.float32)
    scores[..., : card.output.width // 2] = 1
    soft = matte(Prediction(card.output.head, scores, box, photo.size, card.class_table), [1], photo)
    options = parse_options(effect.options, given)
    picture = effect.compose(Scene(photo, soft), options)
    return PICTURE_ENCODERS["png"](picture, options.quality, options.compression)


def measure(work: str, size: str) -> int:
    """Peak bytes, in a process in which a small picture went the same way before."""
    photo = Image.fromarray(data.astronaut())
    small, large = (_jpeg(photo.resize(pixels)) for pixels in ((64, 64), SIZES[size]))
    return_large_blocks()
    answer(small, *WORK[work])
    return peak_bytes(lambda: answer(large, *WORK[work]))


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

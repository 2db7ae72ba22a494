"""How well and how fast the subject's own colours are found, and what composing a picture costs.

Photos from scikit-image are laid over others through soft mattes, so the truth is known. Beside ours: the photo's
pixels as they are, and pymatting's multi-level estimate (`pip install pymatting`; left out where it is not installed).
"""

import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from rich.console import Console
from rich.table import Table
from skimage import data

from benchmarks.harness.command import argument_parser
from service.operations.blur_background import BlurBackgroundOptions, blur_background
from service.operations.effect import Scene
from service.operations.options import parse_options
from service.operations.remove_background import RemoveBackgroundOptions, cutout
from service.operations.replace_background import ReplaceBackgroundOptions, replace_background
from service.pixels.decode import Photo

Pixels = NDArray[np.uint8]

SIZES = {"1 MP": (1200, 900), "12 MP": (4000, 3000)}
PAIRS = [(data.chelsea, data.coffee), (data.astronaut, data.rocket), (data.coffee, data.astronaut)]
RUNS = 3
RESULT_BYTES = 4
"""Of a pixel in Pillow, RGB or RGBA."""

SURE_LEVELS = 2
"""A blurred mask that comes so near to 0 or 255 is made sure."""

EPILOG = """\
Errors are means over the pixels with 0 < alpha < 1, in levels of 255: plain, and weighted with alpha, as eyes see them.
Times are the best of three on one thread (set OMP_NUM_THREADS=1 and NUMBA_NUM_THREADS=1).

examples:
  python -m benchmarks.quality.foreground
  python -m benchmarks.quality.foreground --masks PEOPLE/masks --size "1 MP"
"""


@dataclass(frozen=True)
class Composite:
    """A mixture whose parts are known."""

    name: str
    mixture: Image.Image
    matte: Image.Image
    truth: Pixels


Estimator = Callable[[Composite], Pixels]
"""(H, W, 3): F."""


def composites(size: tuple[int, int], masks: Path | None) -> Iterator[Composite]:
    mattes = [
        ("disc", _disc(size)),
        ("thin edge", _thin_edge(size)),
        ("hair", _hair(size)),
        ("gradient", _gradient(size)),
    ]
    drawn = sorted(masks.iterdir())[::20][:4] if masks else []
    mattes += [(path.stem, _softened(path, size)) for path in drawn]
    for number, (name, matte) in enumerate(mattes):
        fore, back = (Image.fromarray(make()).resize(size) for make in PAIRS[number % len(PAIRS)])
        yield Composite(name, Image.composite(fore, back, matte), matte, np.asarray(fore))


def _around_the_middle(size: tuple[int, int], softness_px: float) -> Image.Image:
    width, height = size
    y, x = np.ogrid[:height, :width]
    outside_px = np.hypot(x - width / 2, y - height / 2) - min(size) / 3
    return Image.fromarray(np.rint(255 * (0.5 - outside_px / softness_px).clip(0, 1)).astype(np.uint8))


def _disc(size: tuple[int, int]) -> Image.Image:
    return _around_the_middle(size, max(size) / 60)


def _thin_edge(size: tuple[int, int]) -> Image.Image:
    return _around_the_middle(size, 3)


def _gradient(size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.linspace(0, 255, size[0]).astype(np.uint8)[np.newaxis].repeat(size[1], axis=0))


def _hair(size: tuple[int, int], strands: int = 220) -> Image.Image:
    """Curved strands, a 400th of the picture's shorter side across, around a head."""
    random = np.random.default_rng(1)
    width, height = (2 * length for length in size)
    radius = 0.27 * min(width, height)
    large = Image.new("L", (width, height))
    draw = ImageDraw.Draw(large)
    draw.circle((width / 2, height / 2), radius, fill=255)
    along = np.linspace(0, 1, 24)
    for _ in range(strands):
        angle = random.uniform(0, 2 * np.pi) + random.normal(0, 0.8) * along
        away = radius * (0.95 + random.uniform(0.2, 0.6) * along)
        points = np.column_stack([width / 2 + away * np.cos(angle), height / 2 + away * np.sin(angle)])
        draw.line(points.ravel().tolist(), fill=int(random.uniform(120, 255)), width=max(1, min(width, height) // 400))
    return large.reduce(2)


def _softened(path: Path, size: tuple[int, int]) -> Image.Image:
    mask = Image.open(path).convert("L").point([0] + [255] * 255).resize(size, Image.Resampling.BICUBIC)
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(max(size) / 700)))
    sure = np.where(soft <= SURE_LEVELS, 0, np.where(soft >= 255 - SURE_LEVELS, 255, soft))
    return Image.fromarray(sure.astype(np.uint8))


# --- colours ----------------------------------------------------------------------------------------------------------


def nothing(composite: Composite) -> Pixels:
    return np.asarray(composite.mixture)


def ours(composite: Composite) -> Pixels:
    """The whole cutout, its alpha included."""
    scene = Scene(Photo(composite.mixture), composite.matte)
    return np.asarray(cutout(scene, parse_options(RemoveBackgroundOptions, {})))[..., :3]


def pymatting(composite: Composite) -> Pixels:
    from pymatting import estimate_foreground_ml

    mixture = np.asarray(composite.mixture, np.float32) / 255
    found = estimate_foreground_ml(mixture, np.asarray(composite.matte, np.float32) / 255)
    rounded: Pixels = (found * 255).round().astype(np.uint8)
    return rounded


def has_pymatting() -> bool:
    try:
        import pymatting  # noqa: F401
    except ImportError:
        return False
    return True


def errors(found: Pixels, composite: Composite) -> tuple[float, float]:
    alpha = np.asarray(composite.matte)
    band = (alpha > 0) & (alpha < 255)
    apart = abs(found[band].astype(np.float32) - composite.truth[band]).mean(axis=1)
    return float(apart.mean()), float((apart * (alpha[band] / 255)).mean())


def best_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return min(times)


def compare_colors(label: str, chosen: list[Composite], estimators: dict[str, Estimator]) -> None:
    table = Table(
        "matte", "band", *estimators, title=f"Error of the foreground's colours, {label}: plain / weighted / ms"
    )
    for composite in chosen:
        alpha = np.asarray(composite.matte)
        cells = []
        for estimate in estimators.values():
            plain, weighted = errors(estimate(composite), composite)
            cells.append(f"{plain:.2f} / {weighted:.2f} / {best_ms(partial(estimate, composite)):.0f}")
        table.add_row(composite.name, f"{100 * ((alpha > 0) & (alpha < 255)).mean():.1f}%", *cells)
    Console(width=120).print(table)


# --- composing --------------------------------------------------------------------------------------------------------


def compare_composing(label: str, composite: Composite) -> None:
    photo, matte = Photo(composite.mixture), composite.matte
    backdrop = Photo(Image.fromarray(composite.truth[::-1].copy()))
    works: dict[str, Callable[[], object]] = {
        "Pillow's Image.composite alone": lambda: Image.composite(photo.rgb, backdrop.rgb, matte),
        "cutout": lambda: cutout(Scene(photo, matte), parse_options(RemoveBackgroundOptions, {})),
        "cutout, decontaminate=false": lambda: cutout(
            Scene(photo, matte), parse_options(RemoveBackgroundOptions, {"decontaminate": "false"})
        ),
        "new colour": lambda: replace_background(
            Scene(photo, matte), parse_options(ReplaceBackgroundOptions, {"color": "white"})
        ),
        "new picture": lambda: replace_background(
            Scene(photo, matte, {"background": backdrop}), parse_options(ReplaceBackgroundOptions, {"fit": "stretch"})
        ),
        "new colour, light_wrap=0.5": lambda: replace_background(
            Scene(photo, matte), parse_options(ReplaceBackgroundOptions, {"color": "white", "light_wrap": "0.5"})
        ),
        **{f"blur, strength={strength}": _blur(photo, matte, strength) for strength in ("0.005", "0.05", "0.25", "1")},
    }
    table = Table(
        "effect", "ms", "bytes a pixel beyond input and result", title=f"Composing, {label}, {composite.name}"
    )
    for name, work in works.items():
        table.add_row(name, f"{best_ms(work):.0f}", f"{extra_bytes(work, matte.width * matte.height):.1f}")
    Console(width=120).print(table)


def _blur(photo: Photo, matte: Image.Image, strength: str) -> Callable[[], object]:
    return lambda: blur_background(Scene(photo, matte), parse_options(BlurBackgroundOptions, {"strength": strength}))


def extra_bytes(work: Callable[[], object], pixel_count: int) -> float:
    """The most that was resident while it ran, less what was before and less the result; Linux with glibc only."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what earlier runs left free would otherwise be used unseen
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak
    before_bytes = _status_bytes("VmRSS")
    work()
    return (_status_bytes("VmHWM") - before_bytes) / pixel_count - RESULT_BYTES


def _status_bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def main() -> None:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--masks", type=Path, help="folder of mask pictures, 0 outside of the subject")
    parser.add_argument("--size", choices=SIZES, action="append", help="default: all")
    parser.add_argument("--only", choices=["colors", "composing"], help="default: both")
    chosen = parser.parse_args()
    estimators: dict[str, Estimator] = {"nothing": nothing, "ours": ours}
    if has_pymatting():
        estimators["pymatting"] = pymatting
    for label in chosen.size or SIZES:
        made = list(composites(SIZES[label], chosen.masks))
        if chosen.only != "composing":
            compare_colors(label, made, estimators)
        if chosen.only != "colors":
            compare_composing(label, made[-1] if chosen.masks else made[0])


if __name__ == "__main__":
    main()

"""What this project computes itself, beside libraries that could: CPU time, memory, the GIL, and whether results agree.

Each row is a process of its own. What is not installed is left out:
pip install pycocotools opencv-python-headless rasterio cvat-sdk label-studio-sdk
"""

import argparse
import functools
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.harness.command import argument_parser
from benchmarks.harness.machine import machine
from benchmarks.harness.memory import peak_bytes
from benchmarks.speed import library_ways as by
from benchmarks.speed.library_ways import Levels
from service.models.decisions import mask_of
from service.models.labels import Mask
from service.pixels.encoders import cvat, label_studio, rle

MS_PER_S = 1000
RUNS = 5
COLUMNS = ("job", "by", "MP", "CPU ms", "peak MB", "GIL held ms", "same result")
TICK_S = 0.0005


# --- agreement --------------------------------------------------------------------------------------------------------


def is_equal(ours: object, theirs: object) -> str:
    return "yes" if ours == theirs else "no"


def same_points(ours: object, theirs: list[Any]) -> str:
    if ours == "refused":
        return "-"
    assert isinstance(ours, list)
    return "yes" if sorted(chain(*ours)) == sorted(chain(*theirs)) else "other points"


def difference(ours: Levels, theirs: Levels) -> str:
    apart = np.abs(ours.astype(np.int16) - theirs)
    return "yes" if not apart.any() else f"mean {apart.mean():.2f}, at most {apart.max()} levels"


def mean_difference(ours: Levels, theirs: Levels) -> str:
    """Of all pixels, also those that the subject hides, where there is little to compute a background from."""
    return f"mean {np.abs(ours.astype(np.int16) - theirs).mean():.1f} levels"


def masks_agree(ours: Mask, theirs: Mask) -> str:
    return "yes" if np.array_equal(ours, theirs) else "no"


# --- jobs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """`ways`: what they are called to what they do with the picture; the first is the service's own."""

    picture: Callable[[int], Any]
    ways: Mapping[str, Callable[[Any], Any]]
    agreement: Callable[[Any, Any], str]


MASK_RLE = {"ours": rle.encode, "pycocotools": by.coco_rle}
RINGS = {"ours": by.our_rings, "rasterio": by.gdal_rings, "cv2": by.opencv_rings, "skimage": by.skimage_rings}
ANY_CLASS = tuple(range(1, 21))

JOBS: dict[str, Job] = {
    "RLE, ragged": Job(by.ragged, MASK_RLE, is_equal),
    "RLE, specks": Job(by.specks, MASK_RLE, is_equal),
    "RLE, noise": Job(by.noise, MASK_RLE, is_equal),
    "RLE, 21 classes": Job(by.label_map, {"ours": by.our_rles, "pycocotools": by.coco_rles}, is_equal),
    "CVAT shape, ragged": Job(by.ragged, {"ours": cvat.encode, "cvat_sdk": by.cvat_shape}, is_equal),
    "Label Studio brush, ragged": Job(
        by.ragged, {"ours": label_studio.encode, "label_studio_sdk": by.label_studio_brush}, is_equal
    ),
    "polygons, ragged": Job(by.ragged, RINGS, same_points),
    "polygons, noise": Job(by.noise, {"ours": by.our_rings}, same_points),
    "mask of 1 class": Job(
        by.label_map,
        {"ours": lambda labels: mask_of(labels, (15,)), "numpy": lambda labels: np.isin(labels, (15,))},
        masks_agree,
    ),
    "mask of 20 classes": Job(
        by.label_map,
        {"ours": lambda labels: mask_of(labels, ANY_CLASS), "numpy": lambda labels: np.isin(labels, ANY_CLASS)},
        masks_agree,
    ),
    **{
        f"edge moved by {radius_px}": Job(
            by.matte,
            {
                "ours": functools.partial(by.our_growth, radius_px),
                "cv2": functools.partial(by.opencv_growth, radius_px),
            },
            difference,
        )
        for radius_px in (2, 12, 50)
    },
    **{
        f"edge softened by {sigma_px}": Job(
            by.matte,
            {
                "ours": functools.partial(by.pillow_softening, sigma_px),
                "cv2": functools.partial(by.opencv_softening, sigma_px),
            },
            difference,
        )
        for sigma_px in (3, 30)
    },
    **{
        f"background blurred by {sigma_px}": Job(
            by.photo_and_matte,
            {"ours": functools.partial(by.our_blur, sigma_px), "cv2": functools.partial(by.opencv_blur, sigma_px)},
            mean_difference,
        )
        for sigma_px in (12, 75)
    },
}


# --- measuring --------------------------------------------------------------------------------------------------------


def longest_gap_ms(work: Callable[[], object]) -> float:
    """The longest time that another thread could not run while `work` did: how long it held the GIL."""
    gaps: list[float] = []
    done = threading.Event()

    def tick() -> None:
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(TICK_S)
            gaps.append(-last + (last := time.perf_counter()))

    ticking = threading.Thread(target=tick)
    ticking.start()
    work()
    done.set()
    ticking.join()
    return max(gaps, default=0) * MS_PER_S


def cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * MS_PER_S


def measured(job: Job, way: str, megapixels: int) -> list[str]:
    """Of the best of some runs, because others may be at work on this machine."""
    picture = job.picture(megapixels)
    work = functools.partial(job.ways[way], picture)
    job.ways[way](job.picture(0))  # imports, and what is done once
    peak_mb = peak_bytes(work) / 1e6
    best_ms = min(cpu_ms(work) for _ in range(RUNS))
    held_ms = min(longest_gap_ms(work) for _ in range(RUNS))
    agrees = "" if way == "ours" else job.agreement(job.ways["ours"](picture), work())
    return [f"{best_ms:.0f}", f"{peak_mb:.0f}", f"{held_ms:.0f}", agrees]


def row(name: str, way: str, megapixels: int) -> list[str]:
    """Measured in a process of its own, on one thread."""
    command = [sys.executable, "-m", "benchmarks.speed.libraries", "--one", name, way, str(megapixels)]
    environment = os.environ | {"OPENCV_FOR_THREADS_NUM": "1", "OMP_NUM_THREADS": "1"}
    answered = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    cells: list[str] = json.loads(answered)
    return [name, way, str(megapixels), *cells]


def is_installed(way: str) -> bool:
    return way == "ours" or importlib.util.find_spec(way) is not None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", default="12", help="megapixels, of 1, 12 and 48, separated by commas")
    parser.add_argument("--jobs", default="", help="only those whose names have this in them")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # what each process of its own measures
    chosen = parser.parse_args(arguments)
    if chosen.one:
        name, way, megapixels = chosen.one
        print(json.dumps(measured(JOBS[name], way, int(megapixels))))
        return
    print(machine(), "", *(f"| {' | '.join(cells)} |" for cells in (COLUMNS, ["---"] * len(COLUMNS))), sep="\n")
    for megapixels in map(int, chosen.sizes.split(",")):
        for name, job in JOBS.items():
            for way in filter(is_installed, job.ways if chosen.jobs in name else ()):
                print(f"| {' | '.join(row(name, way, megapixels))} |", flush=True)


if __name__ == "__main__":
    main()

"""What reading a picture costs, by format: CPU time and memory at its peak, in a process of its own each.

`--also FILE...` measures files of your own as well, such as a HEIC, which nothing here can write.
"""

import argparse
import io
import os
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from rich.console import Console
from rich.table import Table
from skimage import data

from benchmarks.harness.memory import peak_bytes
from service.pixels.decode import Photo, count_pixels, decode
from service.workers.allocator import return_large_blocks

SIZE = (4000, 3000)
NOISE = 6.0
"""Standard deviation, in levels: what a small sensor has in daylight. A picture enlarged without it is too easy."""
MANY = 10**9
ROUNDS = 3


def photo() -> Image.Image:
    picture = Image.fromarray(data.astronaut()).resize(SIZE, Image.Resampling.LANCZOS)
    noise = np.random.default_rng(1).normal(0, NOISE, (SIZE[1], SIZE[0], 3)).astype(np.float32)
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def saved(picture: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def _cutout(picture: Image.Image) -> Image.Image:
    alpha = Image.new("L", SIZE, 0)
    alpha.paste(255, (SIZE[0] // 4, SIZE[1] // 4, SIZE[0] * 3 // 4, SIZE[1]))
    picture.putalpha(alpha)
    return picture


def _adobe_rgb() -> bytes:
    """Not sRGB, so that there is something to convert: sRGB's profile with two primaries exchanged costs the same."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")


def _with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    chunk = len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: saved(photo(), "JPEG", quality=92),
    "JPEG, sRGB's profile": lambda: saved(photo(), "JPEG", quality=92, icc_profile=SRGB),
    "JPEG, another profile": lambda: saved(photo(), "JPEG", quality=92, icc_profile=_adobe_rgb()),
    "JPEG, progressive": lambda: saved(photo(), "JPEG", quality=92, progressive=True),
    "JPEG without its end": lambda: saved(photo(), "JPEG", quality=92)[:-2],
    "PNG": lambda: saved(photo(), "PNG", compress_level=1),
    "PNG, P3 by cICP": lambda: _with_chunk(saved(photo(), "PNG", compress_level=1), b"cICP", bytes((12, 13, 0, 1))),
    "PNG, PQ by cICP": lambda: _with_chunk(saved(photo(), "PNG", compress_level=1), b"cICP", bytes((9, 16, 0, 1))),
    "PNG, a cutout": lambda: saved(_cutout(photo()), "PNG", compress_level=1),
    "WebP": lambda: saved(photo(), "WEBP", quality=85, method=2),
    "WebP, lossless": lambda: saved(photo(), "WEBP", lossless=True, quality=0, method=0),
    "WebP, lossless, one colour": lambda: saved(Image.new("RGB", SIZE, "red"), "WEBP", lossless=True),
    "AVIF": lambda: saved(photo(), "AVIF", quality=75, speed=9),
    "GIF": lambda: saved(photo().convert("P"), "GIF"),
    "BMP": lambda: saved(photo(), "BMP"),
    "TIFF": lambda: saved(photo(), "TIFF"),
    "TIFF, LZW": lambda: saved(photo(), "TIFF", compression="tiff_lzw"),
    "TIFF, floats": lambda: saved(photo().convert("F").point(lambda level: level * (1 / 255)), "TIFF"),
}


def measure(encoded: bytes) -> tuple[float, float, float]:
    """CPU milliseconds, the fastest of some; megabytes at the peak; how many pixels are booked for each."""
    return_large_blocks()
    small = saved(Image.new("RGB", (8, 8)), "PNG")
    decode(small, MANY)
    peak, before = 0, _children_peak_bytes()

    def work() -> Photo:
        return decode(encoded, MANY)

    times = []
    for _ in range(ROUNDS):
        started = cpu_seconds()
        peak = max(peak, peak_bytes(work))
        times.append(cpu_seconds() - started)
    width, height = work().size
    child_bytes = _children_peak_bytes()
    child_bytes = child_bytes if child_bytes > before else 0  # otherwise that of what made the picture
    return min(times) * 1000, (peak + child_bytes) / 1e6, count_pixels(encoded, MANY) / (width * height)


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for: a HEIC is decoded by one of its own."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _children_peak_bytes() -> int:
    """Of the largest that this process has waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--also", nargs="*", default=[], metavar="FILE", help="measure these as well")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # what each process of its own measures
    chosen = parser.parse_args(arguments)
    if chosen.one:
        encoded = KINDS[chosen.one]() if chosen.one in KINDS else Path(chosen.one).read_bytes()
        print(len(encoded), *measure(encoded))
        return
    table = Table("12 megapixels", "file, MB", "CPU, ms", "peak, MB", "booked as", box=None)
    for kind in (*KINDS, *chosen.also):
        command = [sys.executable, "-m", "benchmarks.speed.reading", "--one", kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        size, cpu_ms, peak_mb, weight = map(float, done)
        table.add_row(kind, f"{size / 1e6:.1f}", f"{cpu_ms:.0f}", f"{peak_mb:.0f}", f"{weight:.3g}")
    Console().print(table)


if __name__ == "__main__":
    main()

"""Damages pictures and reads them, for as long as you like: nothing may come of it but a photo or a refusal.

A process of its own reads, so that a crash is found as well; whatever goes wrong is kept in `--out` with its reason.
"""

import argparse
import io
import multiprocessing
import random
import resource
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from PIL import Image, ImageCms, features

from benchmarks.reliability.damage import damaged
from service.errors import BadInput
from service.pixels.decode import decode

MAX_PIXELS = 1_000_000
MAX_SECONDS = 5.0
"""Of CPU time, so that other work on the machine does not count."""
MAX_GROWTH_MB = 400
"""Of the process, over all inputs together: a megapixel may take 60 MB while it is decoded, and libraries keep some."""
HEICS = Path(__file__).parents[2] / "tests/unit/pixels/decode/heic"


def corpus() -> dict[str, bytes]:
    """Small pictures of every format, with what makes readers take another way: profiles, alpha, pages, frames."""
    picture = Image.effect_mandelbrot((48, 40), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    cutout, palette = picture.copy(), picture.quantize(17)
    cutout.putalpha(picture.convert("L"))
    exif = Image.Exif()
    exif[274] = 6
    told = {"exif": exif, "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    frames = {"save_all": True, "append_images": [picture.rotate(90), picture.rotate(180)]}
    grey16 = Image.frombytes("I;16", (48, 40), bytes(range(240)) * 16)
    kinds: dict[str, Callable[[], bytes]] = {
        "jpeg": lambda: _saved(picture, "JPEG", **told),
        "jpeg-progressive": lambda: _saved(picture, "JPEG", progressive=True),
        "jpeg-cmyk": lambda: _saved(picture.convert("CMYK"), "JPEG"),
        "png": lambda: _saved(cutout, "PNG", **told),
        "png-palette": lambda: _saved(palette, "PNG", transparency=3, bits=8),
        "png-16": lambda: _saved(grey16, "PNG"),
        "png-animated": lambda: _saved(picture, "PNG", **frames),
        "webp": lambda: _saved(cutout, "WEBP", **told),
        "webp-lossless": lambda: _saved(cutout, "WEBP", lossless=True),
        "webp-animated": lambda: _saved(picture, "WEBP", **frames),
        "gif": lambda: _saved(palette, "GIF", transparency=3, comment=b"of the fuzz"),
        "gif-animated": lambda: _saved(picture, "GIF", **frames),
        "bmp": lambda: _saved(picture, "BMP"),
        "bmp-palette": lambda: _saved(palette, "BMP"),
        "tiff": lambda: _saved(cutout, "TIFF", **told),
        "tiff-pages": lambda: _saved(picture, "TIFF", **frames),
        "tiff-big": lambda: _saved(picture, "TIFF", big_tiff=True),
        "tiff-float": lambda: _saved(picture.convert("F"), "TIFF"),
        "tiff-16": lambda: _saved(grey16, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-lzw": lambda: _saved(picture, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": lambda: _saved(picture, "TIFF", compression="jpeg"),
        "tiff-fax": lambda: _saved(picture.convert("1"), "TIFF", compression="group4"),
        "tiff-cmyk": lambda: _saved(picture.convert("CMYK"), "TIFF", compression="packbits"),
    }
    if features.check("avif"):
        kinds["avif"] = lambda: _saved(cutout, "AVIF", **told)
        kinds["avif-animated"] = lambda: _saved(picture, "AVIF", **frames)
    pictures = {name: make() for name, make in kinds.items()}
    return pictures | {f"heic-{path.stem}": path.read_bytes() for path in sorted(HEICS.glob("*.heic"))}


def _saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def verdict(encoded: bytes) -> str:
    """`photo` or the code of a refusal; raises whatever else comes of it, and AssertionError for no proper photo."""
    try:
        photo = decode(encoded, MAX_PIXELS)
    except BadInput as refusal:
        return refusal.code
    assert photo.rgb.mode == "RGB"
    assert photo.rgb.width * photo.rgb.height <= MAX_PIXELS
    assert photo.frames >= 1
    assert photo.alpha is None or (photo.alpha.mode == "L" and photo.alpha.size == photo.rgb.size)
    return "photo"


@dataclass
class Findings:
    """What came of a run."""

    verdicts: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    @property
    def inputs(self) -> int:
        return sum(self.verdicts.values())


def read_damaged(pictures: Mapping[str, bytes], chance: random.Random, findings: Findings, out: Path) -> None:
    """One picture, damaged and read. What goes wrong is kept in `out`, and so is the picture while it is read."""
    name = chance.choice(list(pictures))
    encoded = damaged(pictures[name], chance, list(pictures.values()))
    (out / "current").write_bytes(encoded)
    started = time.thread_time()
    try:
        outcome, wrong = verdict(encoded), ""
    except Exception as error:
        outcome, wrong = "wrong", repr(error)
    seconds = time.thread_time() - started
    findings.slowest_s = max(findings.slowest_s, seconds)
    findings.verdicts[outcome] += 1
    if wrong or seconds > MAX_SECONDS:
        reason = wrong or f"{seconds:.1f} s"
        kept = out / f"{name}-{findings.inputs}-{chance.getrandbits(32):08x}"
        kept.write_bytes(encoded)
        findings.found.append(f"{kept}: {reason}")


def _child(seed: int, until: float, out: Path, results: Connection) -> None:
    warnings.simplefilter("ignore")
    pictures, chance, findings = corpus(), random.Random(seed), Findings()
    for encoded in pictures.values():
        verdict(encoded)
    before_mb = _peak_mb()
    while time.monotonic() < until and _peak_mb() - before_mb < MAX_GROWTH_MB:
        read_damaged(pictures, chance, findings, out)
        if findings.inputs % 100 == 0:
            results.send(findings)
    growth = _peak_mb() - before_mb
    if growth >= MAX_GROWTH_MB:
        kept = out / f"memory-{seed}"
        kept.write_bytes((out / "current").read_bytes())
        findings.found.append(f"{kept}: {growth:.0f} MB")
    results.send(findings)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def run(minutes: float, seed: int, out: Path) -> list[Findings]:
    """One for each process that was needed: one, where none crashed."""
    until, runs = time.monotonic() + 60 * minutes, []
    while time.monotonic() < until:
        receiving, sending = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=_child, args=(seed, until, out, sending))
        process.start()
        sending.close()
        findings = Findings()
        try:
            while True:
                findings = receiving.recv()
        except EOFError:
            process.join()
        if process.exitcode:
            kept = out / f"crash-{seed}"
            kept.write_bytes((out / "current").read_bytes())
            findings.found.append(f"{kept}: the process ended with {process.exitcode}")
        runs.append(findings)
        seed += 1
    return runs


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for what is found; a new one unless given")
    chosen = parser.parse_args(arguments)
    out = chosen.out or Path(tempfile.mkdtemp(prefix="fuzz-decode-"))
    out.mkdir(parents=True, exist_ok=True)
    runs = run(chosen.minutes, chosen.seed, out)
    verdicts = sum((each.verdicts for each in runs), Counter[str]())
    print(f"{verdicts.total()} inputs, the slowest {max(each.slowest_s for each in runs):.2f} s of CPU time")
    for outcome, count in verdicts.most_common():
        print(f"  {count:>9} {outcome}")
    for found in (line for each in runs for line in each.found):
        print(f"FOUND {found}")


if __name__ == "__main__":
    main()

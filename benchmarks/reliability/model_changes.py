"""Loads, replaces and unloads a model again and again while the service is under load: is a request lost, and does the
memory come back?"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import HOST, Load, Tally, multipart, run_load
from benchmarks.harness.memory import MEGABYTE, rss_bytes, watched
from benchmarks.harness.servers import Server, silhouette
from benchmarks.reliability.soak import photos
from service.settings import REPOSITORY_STORE

MAX_GROWTH = 0.05
"""Of the memory at rest."""

REST_S = 12.0
"""Until the service has returned what work has left in its allocator."""

SPELL_S = 5.0
CHANGE_TIMEOUT_S = 600.0
SIZES = ((640, 480), (1280, 720))

EPILOG = """\
examples:
  python -m benchmarks.reliability.model_changes --model u2net
  SILHOUETTE_WORKERS=1 python -m benchmarks.reliability.model_changes --model deeplab-voc --rounds 3

Exits with 1 where a request was lost, a change was refused, or the memory at rest grew by 5%.
"""


@dataclass
class Found:
    """What came of a run."""

    tally: Tally = field(default_factory=Tally)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"load": [], "replace": [], "unload": []})
    refused: list[str] = field(default_factory=list)
    before_mb: float = 0.0
    after_mb: float = 0.0
    peak_mb: float = 0.0

    @property
    def growth(self) -> float:
        return self.after_mb / self.before_mb - 1

    def failures(self) -> list[str]:
        lost = self.tally.lost
        found = [f"{lost} requests were lost"] if lost else []
        found += [f"memory at rest grew by {self.growth:.1%}"] if self.growth > MAX_GROWTH else []
        return found + self.refused


@dataclass(frozen=True)
class Changes:
    """A model that comes, changes and goes."""

    server: Server
    store: Path
    model: str
    found: Found

    def rounds(self, count: int) -> None:
        for number in range(count):
            self._change("load", "POST")
            self._touch(number)
            self._change("replace", "POST")
            self._change("unload", "DELETE")

    def _touch(self, number: int) -> None:
        """Another title: the card is not what it was, so the model is loaded anew."""
        card = self.store / self.model / "card.toml"
        lines = card.read_text(encoding="utf-8").splitlines(keepends=True)
        titled = [
            f'title = "round {number} at {time.time()}"\n' if line.startswith("title =") else line for line in lines
        ]
        card.write_text("".join(titled), encoding="utf-8")

    def _change(self, what: str, method: str) -> None:
        started = time.perf_counter()
        url = f"http://{HOST}:{self.server.port}/models/{self.model}"
        answer = httpx2.request(method, url, timeout=CHANGE_TIMEOUT_S)
        if answer.is_error:
            self.found.refused.append(f"{what}: {answer.text}")
        self.found.seconds[what].append(time.perf_counter() - started)


@contextlib.contextmanager
def own_store() -> Iterator[Path]:
    """Cards that may be changed, beside links to the weights."""
    with tempfile.TemporaryDirectory(prefix="model-changes-") as folder:
        for path in REPOSITORY_STORE.glob("*/*"):
            own = Path(folder, path.parent.name, path.name)
            own.parent.mkdir(exist_ok=True)
            if path.name == "card.toml":
                own.write_bytes(path.read_bytes())
            else:
                own.symlink_to(path)
        yield Path(folder)


async def run(changes: Changes, rounds: int, requests: int, concurrency: int) -> None:
    """One round to warm up, a rest, and then all of them under load."""
    asked = [multipart("/remove-background", "image", photo, {"allow_empty": "true"}) for photo in photos(sizes=SIZES)]
    found, server = changes.found, changes.server
    await run_load(Load(server.port, asked, concurrency, SPELL_S), Tally())
    await asyncio.to_thread(Changes(server, changes.store, changes.model, Found()).rounds, 1)
    await asyncio.sleep(REST_S)
    found.before_mb = sum(rss_bytes(server.processes()).values()) / MEGABYTE
    changing = asyncio.create_task(asyncio.to_thread(changes.rounds, rounds))
    while not changing.done() or len(found.tally.answers) < requests:
        seed = len(found.tally.answers)
        await run_load(Load(server.port, asked, concurrency, SPELL_S, seed=seed), found.tally)
    await changing
    await asyncio.sleep(REST_S)
    found.after_mb = sum(rss_bytes(server.processes()).values()) / MEGABYTE


def print_found(found: Found) -> None:
    console, tally = Console(), found.tally
    asked = Table("requests", "rps", "p50", "p95", "p99", "status", box=None)
    shares = [f"{tally.latency_s(share):.3f} s" for share in (0.5, 0.95, 0.99)]
    statuses = ", ".join(f"{status}: {count}" for status, count in tally.statuses.items())
    asked.add_row(str(len(tally.answers)), f"{tally.goodput:.2f}", *shares, statuses)
    console.print(asked, "")
    changed = Table("change", "times", "median", "slowest", box=None)
    for what, seconds in found.seconds.items():
        changed.add_row(what, str(len(seconds)), f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s")
    console.print(changed, "")
    memory = f"{found.before_mb:.0f} MB at rest before, {found.after_mb:.0f} MB after ({found.growth:+.1%})"
    console.print(f"memory of all processes: {memory}, {found.peak_mb:.0f} MB at the peak", "", highlight=False)
    failures = found.failures()
    console.print(f"FAIL: {'; '.join(failures)}" if failures else "PASS: nothing is lost", highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--model", default="u2net", metavar="NAME", help="that comes and goes; default: %(default)s")
    parser.add_argument("--serving", default="selfie", metavar="NAME", help="that is asked; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--requests", type=int, default=600, metavar="N", help="at least; default: %(default)s")
    parser.add_argument("--concurrency", type=int, default=4, metavar="N", help="clients; default: %(default)s")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where something was lost, with 2 where the service does not start."""
    chosen, found = _parser().parse_args(arguments), Found()
    with (
        ending_in_one_line("model_changes"),
        own_store() as store,
        silhouette(chosen.serving, model_store=str(store)) as server,
        watched(server) as seen,
    ):
        changes = Changes(server, store, chosen.model, found)
        asyncio.run(run(changes, chosen.rounds, chosen.requests, chosen.concurrency))
        found.peak_mb = seen.peak_bytes / MEGABYTE
    print_found(found)
    sys.exit(1 if found.failures() else 0)


if __name__ == "__main__":
    main()

"""Sets the service beside rembg, LitServe and a plain FastAPI handler, all with the same weights and photos."""

import argparse
import io
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if not __package__:  # started as a file: Python then looks for imports beside this file, not in the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx2
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks import servers
from benchmarks.contenders import (
    MODEL,
    Cell,
    Contender,
    ask_handler,
    ask_litserve,
    ask_rembg,
    ask_silhouette,
    measure,
    photo,
)
from benchmarks.load import HOST
from benchmarks.servers import StartFailed, install_peer, install_rembg, silhouette
from service.cli.console import say, work_progress
from service.errors import ConfigurationError

EXACT, INT8 = "silhouette fp32", "silhouette int8"
REMBG, HANDLER, LITSERVE = "rembg s", "FastAPI + onnxruntime", "LitServe"

LOADS = (("1080p", 1), ("1080p", 4), ("1080p", 16), ("12mp", 1))
"""Photo and concurrency."""

FILES = 24

CONSOLE = Console(width=120)
INTERRUPTED = 130

EPILOG = """\
Every measurement starts one server, warms it up, loads it for SECONDS and stops it; all servers take turns within each
round and never run together. Clients stop asking after SECONDS and wait for what is on its way, and the clock runs on
with them. The table has the medians over the rounds, of memory the largest. RSS is the sum over all processes of a
server, so pages that they share count in each; PSS counts them once.

The peers are installed from the Python package index into .cache/peers, each in a virtual environment of its own (about
1.5 GB in all), and U2-Net's published file into .cache/originals (176 MB). rembg is its own server, `rembg s`. LitServe
and FastAPI with onnxruntime have no such server: benchmarks/peer_servers/ has for each the 40 lines that one would
write.

examples:
  python benchmarks/peers.py                                  about 25 minutes on 2 cores
  python benchmarks/peers.py --rounds 1 --seconds 5           a quick look
  python benchmarks/peers.py --markdown                       the table as the README has it
"""


@dataclass(frozen=True)
class Goal:
    """A ratio that was promised, of a figure of ours to the same figure of a peer."""

    ours: str
    peer: str
    load: tuple[str, int]
    figure: str
    promised: float

    def found(self, table: "Results") -> float:
        mine, theirs = table.figure(self.ours, self.load, self.figure), table.figure(self.peer, self.load, self.figure)
        return mine / theirs if theirs else math.nan

    def met(self, table: "Results") -> bool:
        found = self.found(table)
        return found >= self.promised if self.figure == "goodput" else found <= self.promised

    def __str__(self) -> str:
        name, concurrency = self.load
        sign = ">=" if self.figure == "goodput" else "<="
        return f"{self.ours} to {self.peer}, {name}, {concurrency} at once, {self.figure} {sign} {self.promised}"


GOALS = (
    Goal(EXACT, REMBG, ("1080p", 4), "goodput", 1.35),
    Goal(INT8, REMBG, ("1080p", 4), "goodput", 4),
    Goal(EXACT, REMBG, ("1080p", 16), "goodput", 2),
    Goal(INT8, REMBG, ("1080p", 16), "goodput", 6),
    Goal(EXACT, REMBG, ("12mp", 1), "goodput", 2.5),
    Goal(INT8, REMBG, ("12mp", 1), "goodput", 4),
    Goal(EXACT, REMBG, ("1080p", 1), "p50_s", 0.75),
    Goal(INT8, REMBG, ("1080p", 1), "p50_s", 0.42),
    Goal(EXACT, REMBG, ("1080p", 16), "peak_rss_mb", 0.25),
    Goal(INT8, REMBG, ("1080p", 16), "peak_rss_mb", 0.2),
    Goal(EXACT, HANDLER, ("1080p", 4), "goodput", 1.2),
    Goal(INT8, HANDLER, ("1080p", 4), "goodput", 3),
)


@dataclass(frozen=True)
class Results:
    """Every measurement of every round."""

    cells: Sequence[Cell]

    def of(self, server: str, load: tuple[str, int]) -> list[Cell]:
        return [cell for cell in self.cells if (cell.server, (cell.photo, cell.concurrency)) == (server, load)]

    def figure(self, server: str, load: tuple[str, int], name: str) -> float:
        """The median of the rounds, of memory the largest; NaN where it was not measured."""
        values: list[float] = [getattr(cell, name) for cell in self.of(server, load)]
        if not values:
            return math.nan
        return max(values) if name.startswith("peak") else statistics.median(values)

    def servers(self) -> list[str]:
        return list(dict.fromkeys(cell.server for cell in self.cells))

    def loads(self) -> list[tuple[str, int]]:
        return list(dict.fromkeys((cell.photo, cell.concurrency) for cell in self.cells))


def contenders(wanted: Sequence[str]) -> list[Contender]:
    """Installs what is missing."""
    weights, found = servers.fetch_original(MODEL), []
    if EXACT in wanted:
        found.append(Contender(EXACT, lambda: silhouette(MODEL, precision="fp32"), ask_silhouette))
    if INT8 in wanted:
        found.append(Contender(INT8, lambda: silhouette(MODEL, precision="int8"), ask_silhouette))
    if REMBG in wanted:
        program = install_rembg()
        found.append(Contender(REMBG, lambda: servers.rembg(program, weights), ask_rembg))
    if HANDLER in wanted:
        handler = install_peer("fastapi-onnxruntime", *servers.HANDLER_REQUIREMENTS) / "python"
        start = lambda: servers.peer_server("fastapi_onnxruntime", handler, weights)  # noqa: E731
        found.append(Contender(HANDLER, start, ask_handler))
    if LITSERVE in wanted:
        litserve = install_peer("litserve", *servers.LITSERVE_REQUIREMENTS) / "python"
        start = lambda: servers.peer_server("litserve_u2net", litserve, weights)  # noqa: E731
        found.append(Contender(LITSERVE, start, ask_litserve))
    return found


def run(chosen: Sequence[Contender], rounds: int, seconds: float) -> list[Cell]:
    plan = [(who, load) for _ in range(rounds) for load in LOADS for who in chosen]
    cells = []
    with work_progress() as progress:
        bar = progress.add_task("", total=len(plan))
        for who, (name, concurrency) in plan:
            progress.update(bar, description=f"{who.name}, {name}, {concurrency} at once")
            cells.append(measure(who, name, concurrency, seconds))
            say(f"{who.name}, {name}, {concurrency} at once: {cells[-1].goodput:.2f}/s")
            progress.advance(bar)
    return cells


def answer(contender: Contender, name: str) -> Image.Image:
    """The cutout itself, once."""
    head, _, body = contender.ask(photo(name)).partition(b"\r\n\r\n")
    path, kind = head.split(b" ")[1].decode(), head.rpartition(b"Content-Type: ")[2].decode()
    with contender.start() as server:
        url = f"http://{HOST}:{server.port}{path}"
        response = httpx2.post(url, content=body, headers={"Content-Type": kind}, timeout=180).raise_for_status()
    return Image.open(io.BytesIO(response.content)).convert("RGBA")


def print_agreement(chosen: Sequence[Contender]) -> None:
    """How far each one's alpha is from rembg's: they compute the same network."""
    alphas = {who.name: np.asarray(answer(who, "1080p"), np.float32)[..., 3] / 255 for who in chosen}
    reference = alphas.pop(REMBG, None)
    if reference is None:
        return
    table = Table("server", "alpha IoU at 0.5", "alpha MAE", title=f"the cutout, beside {REMBG}'s", box=None)
    for name, alpha in alphas.items():
        inside, theirs = alpha >= 0.5, reference >= 0.5
        iou = (inside & theirs).sum() / max(1, (inside | theirs).sum())
        table.add_row(name, f"{iou:.4f}", f"{np.abs(alpha - reference).mean():.4f}")
    CONSOLE.print(table, "")


def print_files(program: Path, weights: Path) -> None:
    """A folder of photos by command line, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        for number in range(FILES):
            (photos / f"{number}.jpg").write_bytes(photo("1080p"))
        ours = [sys.executable, "-m", "service.cli", "remove-background", str(photos), "--model", MODEL, "--out"]
        theirs = [str(program), "p", "-m", MODEL, str(photos)]
        commands = {
            EXACT: (ours, {"SILHOUETTE_PRECISION": "fp32"}),
            INT8: (ours, {"SILHOUETTE_PRECISION": "int8"}),
            "rembg p": (theirs, {"U2NET_HOME": str(weights)}),
        }
        table = Table("command", "photos/s", title=f"{FILES} files of 1080p, start-up included", box=None)
        for name, (command, settings) in commands.items():
            table.add_row(name, f"{FILES / _seconds([*command, str(Path(folder, name))], settings):.2f}")
    CONSOLE.print(table, "")


def _seconds(command: Sequence[str], settings: dict[str, str]) -> float:
    started = time.perf_counter()
    environment = servers.environment(settings)
    done = subprocess.run(command, cwd=servers.REPOSITORY, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise StartFailed(f"{command[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
    return time.perf_counter() - started


HEADINGS = ("photo", "at once", "server", "answers/s", "x rembg", "p50 s", "p95 s", "peak RSS MB", "PSS MB", "kB out")


def rows(results: Results) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for load in results.loads():
        for server in results.servers():
            figures = {
                name: results.figure(server, load, name) for name in Cell.__dataclass_fields__ if name in FIGURES
            }
            ratio = figures["goodput"] / results.figure(REMBG, load, "goodput")
            found.append(
                (
                    load[0],
                    str(load[1]),
                    server,
                    f"{figures['goodput']:.2f}",
                    "-" if math.isnan(ratio) else f"{ratio:.2f}",
                    f"{figures['p50_s']:.2f}",
                    f"{figures['p95_s']:.2f}",
                    f"{figures['peak_rss_mb']:.0f}",
                    f"{figures['peak_pss_mb']:.0f}",
                    f"{figures['answer_kb']:.0f}",
                )
            )
    return found


FIGURES = frozenset({"goodput", "p50_s", "p95_s", "peak_rss_mb", "peak_pss_mb", "answer_kb"})


def print_table(results: Results, markdown: bool) -> None:
    if markdown:
        lines = [HEADINGS, ("---",) * len(HEADINGS), *rows(results)]
        CONSOLE.print("\n".join(f"| {' | '.join(line)} |" for line in lines), highlight=False, soft_wrap=True)
        return
    table = Table(*HEADINGS, title=f"{MODEL}, JPEG to PNG cutout", box=None, title_justify="left")
    for row in rows(results):
        table.add_row(*row)
    CONSOLE.print(table, "")


def print_goals(results: Results) -> None:
    for goal in GOALS:
        if not math.isnan(goal.found(results)):
            verdict = "PASS" if goal.met(results) else "MISS"
            CONSOLE.print(f"{verdict}  {goal}: {goal.found(results):.2f}", highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--seconds", type=float, default=12.0, metavar="N", help="of load in a cell; default: 12")
    everyone = [EXACT, INT8, REMBG, HANDLER, LITSERVE]
    parser.add_argument("--servers", nargs="+", choices=everyone, default=everyone, help="default: all")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every measurement to OUT")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 1 where a goal is missed, with 2 where a server does not start."""
    chosen = _parser().parse_args(arguments)
    try:
        who = contenders(chosen.servers)
        print_agreement(who)
        results = Results(run(who, chosen.rounds, chosen.seconds))
        if REMBG in chosen.servers:
            print_files(install_rembg(), servers.fetch_original(MODEL))
    except ConfigurationError as error:
        say(f"peers: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(cell) for cell in results.cells], indent=1) + "\n", encoding="utf-8")
    print_table(results, chosen.markdown)
    print_goals(results)
    missed = [goal for goal in GOALS if not math.isnan(goal.found(results)) and not goal.met(results)]
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()

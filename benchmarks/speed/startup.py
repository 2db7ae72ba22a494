"""How fast the service starts, and what it holds in memory when it is ready and nobody asks anything of it."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.memory import MEGABYTE, pss_bytes, rss_bytes
from benchmarks.harness.servers import silhouette

MODELS = "u2net,selfie"
SETTLE_S = 2.0
"""After it is ready: what the last warm-up left is freed by then."""

GOALS = {"import service.app": 1.0, "ready": 6.0, "resident": 900.0}

IMPORT = "import time; t = time.perf_counter(); import service.app; print(time.perf_counter() - t)"

EPILOG = """\
examples:
  python -m benchmarks.speed.startup
  with one worker, and everything in float32:
  SILHOUETTE_WORKERS=1 SILHOUETTE_PRECISION=fp32 python -m benchmarks.speed.startup --models u2net

The first of several starts reads files that the later ones find in memory; medians are printed. On a machine that does
something else at the same time these are figures of that, too.
"""


@dataclass(frozen=True)
class Start:
    """One start of the service."""

    ready_s: float
    """From the start of the process to /readyz with 200."""
    resident_mb: float
    """Of all processes; pages that several share count in each."""
    proportional_mb: float
    """The same with shared pages counted once; NaN where the kernel does not tell."""
    processes_mb: tuple[float, ...]
    """Resident, the largest first."""


def start(models: str) -> Start:
    """Raises ConfigurationError where the service does not start."""
    with silhouette(models) as server:
        server.get("/readyz")
        ready_s = server.age_s()
        time.sleep(SETTLE_S)
        sizes = rss_bytes(server.processes())
        shared_once = pss_bytes([psutil.Process(pid) for pid in sizes])
        each = tuple(sorted((size / MEGABYTE for size in sizes.values()), reverse=True))
        return Start(ready_s, sum(each), shared_once / MEGABYTE, each)


def import_s() -> float:
    """Seconds to import `service.app` in a fresh interpreter."""
    return float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)


def print_starts(starts: Sequence[Start], imports_s: Sequence[float]) -> None:
    table = Table("", "median", "best", "goal", box=None)
    for name, unit, values in (
        ("import service.app", "s", imports_s),
        ("ready", "s", [start.ready_s for start in starts]),
        ("resident", "MB", [start.resident_mb for start in starts]),
        ("the same, shared pages counted once", "MB", [start.proportional_mb for start in starts]),
    ):
        digits = 2 if unit == "s" else 0
        median, best = statistics.median(values), min(values)
        goal = f"{GOALS[name]:g} {unit}: {'met' if median <= GOALS[name] else 'missed'}" if name in GOALS else ""
        table.add_row(name, f"{median:.{digits}f} {unit}", f"{best:.{digits}f} {unit}", goal)
    console = Console()
    console.print(table)
    console.print("each process:", ", ".join(f"{size:.0f}" for size in starts[-1].processes_mb), "MB", highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the service does not start."""
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--models", default=MODELS, help=f"default: {MODELS}")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="starts; default: 3")
    chosen = parser.parse_args(arguments)
    with ending_in_one_line("startup"):
        starts = [start(chosen.models) for _ in range(chosen.rounds)]
    print_starts(starts, [import_s() for _ in range(chosen.rounds)])


if __name__ == "__main__":
    main()

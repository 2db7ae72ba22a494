"""Whether a worker ever waits while there are pictures that it could have.

"computing" is what the workers' own clocks say of their runs, divided by the workers and the time. The rest is looked
at a few times a second in `/metrics`: a worker may do nothing although a picture is in the queue (it is being handed
over, or its process waits for a core), or because none is ready (it is being decoded, or all clients wait for answers).
A run counts when its answer is there, so a few of them more or less are within the measured time.
"""

import argparse
import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import Load, Tally, multipart, run_load
from benchmarks.harness.photos import photos
from benchmarks.harness.report import print_with_machine
from benchmarks.harness.servers import Server, silhouette

CLIENTS = (4, 16)
WARM_UP_S = 5.0
SECONDS = 30.0
LOOKS_PER_S = 4.0

EPILOG = """\
examples:
  python -m benchmarks.speed.idle_workers                     u2net in int8 at 1080p, 4 and 16 clients, 90 seconds
  python -m benchmarks.speed.idle_workers --precision fp32 --clients 16 --seconds 60
"""


@dataclass(frozen=True)
class Look:
    """One answer of `/metrics`."""

    infer_s: float
    """What the runs of all workers took until now."""
    infers: float
    workers: int
    idle: int
    queued: float
    """Pictures that wait for a worker."""
    pixel_stages: float
    """On pixel threads, and waiting for one."""

    @classmethod
    def of(cls, text: str) -> "Look":
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

        def total(name: str, **labels: str) -> float:
            alike = (each for each in samples if each.name == name and labels.items() <= each.labels.items())
            return sum(each.value for each in alike)

        infers = {end: total(f"silhouette_stage_seconds_{end}", stage="infer") for end in ("sum", "count")}
        pixel_stages = total("silhouette_pixel_queue_depth") + total("silhouette_pixel_threads_busy")
        idle, workers = total("silhouette_worker_state", state="idle"), total("silhouette_worker_state")
        depth = total("silhouette_queue_depth")
        return cls(infers["sum"], infers["count"], round(workers), round(idle), depth, pixel_stages)


@dataclass
class Watched:
    """Some seconds of load."""

    clients: int
    looks: list[Look] = field(default_factory=list)
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)

    @property
    def computing(self) -> float:
        """Of the workers' time, by their own clocks."""
        first, last = self.looks[0], self.looks[-1]
        return (last.infer_s - first.infer_s) / (first.workers * self.seconds)

    @property
    def run_ms(self) -> float:
        first, last = self.looks[0], self.looks[-1]
        return 1000 * (last.infer_s - first.infer_s) / max(1.0, last.infers - first.infers)

    @property
    def idle_beside_queue(self) -> float:
        """Of the workers' time, as it was seen: idle, although something was in the queue."""
        return self._share(min(look.idle, look.queued) for look in self.looks)

    @property
    def idle_beside_pixels(self) -> float:
        """Idle, and what would come next was with the pixel threads, or waited for them."""
        return self._share(min(look.idle - min(look.idle, look.queued), look.pixel_stages) for look in self.looks)

    def _share(self, idle: Iterable[float]) -> float:
        return sum(idle) / sum(look.workers for look in self.looks)


async def watch(server: Server, load: Load, watched: Watched) -> None:
    """Of a load that is longer than this by what it takes to warm up, at both ends."""
    loop = asyncio.get_running_loop()
    loading = asyncio.create_task(run_load(load, watched.tally))
    await asyncio.sleep(WARM_UP_S)
    began_s = loop.time()
    while loop.time() - began_s < load.seconds - 2 * WARM_UP_S:
        watched.looks.append(Look.of(await asyncio.to_thread(server.get, "/metrics")))
        watched.seconds = loop.time() - began_s
        await asyncio.sleep(1 / LOOKS_PER_S)
    await loading


def measure(chosen: argparse.Namespace) -> list[Watched]:
    """Raises StartFailed where the service does not start."""
    requests = [multipart("/remove-background", "image", photo, {"format": "png"}) for photo in photos("1080p")]
    rows = []
    with silhouette(chosen.model, precision=chosen.precision) as server:
        for clients in chosen.clients:
            rows.append(Watched(clients))
            load = Load(server.port, requests, clients, chosen.seconds + 2 * WARM_UP_S)
            asyncio.run(watch(server, load, rows[-1]))
    return rows


def table_of(rows: Sequence[Watched], chosen: argparse.Namespace) -> Table:
    headings = ("clients", "workers", "answers/s", "a run, ms", "computing", "idle beside queue", "idle beside pixels")
    table = Table(*headings, title=f"{chosen.model} in {chosen.precision}, 1080p", box=None, title_justify="left")
    for row in rows:
        shares = (row.computing, row.idle_beside_queue, row.idle_beside_pixels)
        counts = (str(row.clients), str(row.looks[0].workers), f"{row.tally.goodput:.2f}", f"{row.run_ms:.0f}")
        table.add_row(*counts, *(f"{100 * share:.1f}%" for share in shares))
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--model", default="u2net", metavar="NAME", help="default: u2net")
    parser.add_argument("--precision", default="int8", metavar="P", help="default: int8")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, metavar="N", help="default: 4 16")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="N", help=f"of each load; default: {SECONDS:g}"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the service does not start."""
    chosen = _parser().parse_args(arguments)
    with ending_in_one_line("idle_workers"):
        print_with_machine(table_of(measure(chosen), chosen))


if __name__ == "__main__":
    main()

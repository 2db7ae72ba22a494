"""One measurement: a server, started for it alone, asked for cutouts of the same photos by so many clients at once."""

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from benchmarks.harness.load import Load, Tally, run_load
from benchmarks.harness.memory import MEGABYTE, Memory, watched
from benchmarks.harness.photos import photos
from benchmarks.harness.servers import Server, StartFailed

WARM_UPS = (1, 2)
"""Clients that ask once, before the clock runs: the first loads the model where a peer loads it late, the others meet
every worker of those that have two."""

GRACE_S = 120.0
"""For what is on its way when the load is over; the slowest peer was seen to need 20 s at 16 clients."""


@dataclass(frozen=True)
class Contender:
    """A server, and the whole HTTP request that asks it to cut a photo out, as PNG, with U2-Net."""

    name: str
    start: Callable[[], AbstractContextManager[Server]]
    ask: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Cell:
    """What one server did with photos of one size at one concurrency, in one round. NaN where it failed."""

    server: str
    photo: str
    concurrency: int
    goodput: float = math.nan
    p50_s: float = math.nan
    p95_s: float = math.nan
    """Of the good answers."""
    refused_share: float = math.nan
    peak_rss_mb: float = math.nan
    """Of all processes; pages that several share are counted in each."""
    peak_pss_mb: float = math.nan
    """The same with shared pages counted once; NaN where the kernel does not tell."""
    answer_kb: float = math.nan
    statuses: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    """Requests whose connection broke, or that were never answered."""
    ran_out_of_memory: bool = False
    failure: str = ""
    """Why there are no figures."""

    @property
    def load(self) -> tuple[str, int]:
        return self.photo, self.concurrency


def measure(contender: Contender, size_name: str, concurrency: int, seconds: float, obey: bool = False) -> Cell:
    """Starts the server, measures, and stops it. Raises StartFailed where it does not answer even one client."""
    requests = [contender.ask(photo) for photo in photos(size_name)]
    with contender.start() as server:
        _warm_up(server, requests)
        load = Load(server.port, requests, concurrency, seconds, GRACE_S, obey_retry_after=obey, seed=None)
        tally = Tally()
        with watched(server) as memory:
            asyncio.run(run_load(load, tally))
    return _cell(contender.name, size_name, concurrency, tally, memory)


def attempt(contender: Contender, size_name: str, concurrency: int, seconds: float) -> Cell:
    """The same, but whatever goes wrong with the server becomes a Cell that says so."""
    try:
        cell = measure(contender, size_name, concurrency, seconds)
    except (StartFailed, OSError) as error:
        return Cell(contender.name, size_name, concurrency, failure=str(error))
    if cell.goodput > 0:
        return cell
    failure = f"no good answer: statuses {cell.statuses}, {cell.lost} lost"
    return Cell(contender.name, size_name, concurrency, statuses=cell.statuses, lost=cell.lost, failure=failure)


def _cell(server: str, size_name: str, concurrency: int, tally: Tally, memory: Memory) -> Cell:
    return Cell(
        server,
        size_name,
        concurrency,
        tally.goodput,
        tally.latency_s(0.5),
        tally.latency_s(0.95),
        tally.refused_share,
        memory.peak_bytes / MEGABYTE,
        memory.peak_pss_bytes / MEGABYTE,
        tally.received_bytes / max(1, len(tally.answers)) / 1000,
        tally.statuses,
        tally.broken + tally.unanswered,
        memory.ran_out,
    )


def _warm_up(server: Server, requests: list[bytes]) -> None:
    for clients in WARM_UPS:
        tally = Tally()
        asyncio.run(run_load(Load(server.port, requests, clients, 0.001, GRACE_S, seed=None), tally))
        if not tally.good:
            raise StartFailed(f"{server.name} does not answer: {tally.statuses or 'nothing'} ({server.log})")

"""A bad day in minutes: mixed load from good, slow, deaf and hostile clients while workers are killed and stopped.

What has to hold: every request that was accepted is answered within its deadline, or refused with words; the service's
memory stays within its budget, as seen from outside, and comes back to what it was; `/livez` answers at once.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.harness.load import HOST, percentile
from benchmarks.harness.memory import MEGABYTE, rss_bytes
from benchmarks.harness.servers import SERVICE, Server, silhouette
from benchmarks.reliability.visitors import SEED, VISITORS, Notes, Visit

PROBE_S, SAMPLE_S = 0.2, 0.5
KILL_S, STOP_S = 15.0, 8.0
"""Between two attacks on a worker, and how long a stopped one stands still."""

WARM_UP_S = 45.0

REST_S = 45.0
"""Longer than the service keeps an answer for a client that does not read it, which is 30 seconds."""

MB_A_MEGAPIXEL = 24
"""Of a picture in work, the most that `effort` may make of it."""

SLACK_MB = 300
"""Pictures are not all there is: answers, the allocator's free lists, Python."""

LIVEZ_P99_S = 0.1
REST_SHARE = 1.05


EPILOG = """\
examples:
  python -m benchmarks.reliability.chaos                        ten minutes with the small model
  python -m benchmarks.reliability.chaos --minutes 2 --model u2net --json chaos.json

Settings of the service come from the environment, as always. Exits with 1 where one of the promises did not hold.
"""


@dataclass
class Day:
    """What was seen of it."""

    notes: dict[str, Notes] = field(default_factory=lambda: {name: Notes() for name in VISITORS})
    livez_s: list[float] = field(default_factory=list)
    unanswered_probes: int = 0
    attacks: int = 0
    rest_before_mb: float = 0.0
    peak_mb: float = 0.0
    rest_after_mb: float = 0.0
    budget_mb: float = 0.0

    def failures(self) -> list[str]:
        """Which promises did not hold; empty where all did."""
        found = [
            f"{name}: {len(notes.faults)} faults, such as: {notes.faults[0]}"
            for name, notes in self.notes.items()
            if notes.faults
        ]
        if self.unanswered_probes:
            found.append(f"/livez did not answer {self.unanswered_probes} times")
        if (p99_s := percentile(self.livez_s, 0.99)) > LIVEZ_P99_S:
            found.append(f"/livez took {p99_s * 1000:.0f} ms at p99")
        if self.peak_mb > self.rest_before_mb + self.budget_mb:
            found.append(f"{self.peak_mb:.0f} MB at the peak, over {self.rest_before_mb + self.budget_mb:.0f}")
        if self.rest_after_mb > REST_SHARE * self.rest_before_mb:
            found.append(f"{self.rest_after_mb:.0f} MB at rest afterwards, {self.rest_before_mb:.0f} before")
        return found


async def run(server: Server, model: str, seconds: float) -> Day:
    """Warm up, rest, the bad day, rest."""
    day = Day(budget_mb=_budget_mb())
    await _visits(server, model, WARM_UP_S, {name: Notes() for name in VISITORS})
    await asyncio.sleep(REST_S)
    day.rest_before_mb = _service_mb(server)
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(_visits(server, model, seconds, day.notes))
        group.create_task(_probe(server, day, until))
        group.create_task(_watch(server, day, until))
        group.create_task(_attack(server, day, until))
    await asyncio.sleep(REST_S)
    day.rest_after_mb = _service_mb(server)
    return day


async def _visits(server: Server, model: str, seconds: float, notes: dict[str, Notes]) -> None:
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for name, (visitor, count) in VISITORS.items():
            for number in range(count):
                visit = Visit(server.port, until, model, random.Random(SEED + number))
                group.create_task(visitor(visit, notes[name]))


async def _probe(server: Server, day: Day, until: float) -> None:
    async with httpx2.AsyncClient(base_url=f"http://{HOST}:{server.port}", timeout=10) as client:
        while time.monotonic() < until:
            started = time.monotonic()
            try:
                (await client.get("/livez")).raise_for_status()
                day.livez_s.append(time.monotonic() - started)
            except httpx2.HTTPError:
                day.unanswered_probes += 1
            await asyncio.sleep(PROBE_S)


async def _watch(server: Server, day: Day, until: float) -> None:
    while time.monotonic() < until:
        day.peak_mb = max(day.peak_mb, _service_mb(server))
        await asyncio.sleep(SAMPLE_S)


async def _attack(server: Server, day: Day, until: float) -> None:
    """Kills one worker, stops another for a while, in turn."""
    draw = random.Random(SEED)
    while time.monotonic() + KILL_S + STOP_S < until:
        await asyncio.sleep(KILL_S)
        workers = [pid for pid, role in server.roles().items() if role != SERVICE and _is_alive(pid)]
        if not workers:
            continue
        pid, day.attacks = draw.choice(workers), day.attacks + 1
        if day.attacks % 2:
            _send(pid, signal.SIGKILL)
        else:
            _send(pid, signal.SIGSTOP)
            await asyncio.sleep(STOP_S)
            _send(pid, signal.SIGCONT)


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists()


def _send(pid: int, number: signal.Signals) -> None:
    """To a worker, which may have been replaced meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _service_mb(server: Server) -> float:
    """Of the service's own process: workers have a memory of their own, which requests do not change."""
    return rss_bytes(server.processes()).get(server.process.pid, 0) / MEGABYTE


def _budget_mb() -> float:
    """What the settings let the pictures and the bodies take."""
    from service.settings import read_settings

    settings = read_settings()
    bodies_mb = settings.max_bytes_in_flight / MEGABYTE
    return settings.max_megapixels_in_flight * MB_A_MEGAPIXEL + bodies_mb + SLACK_MB


def print_day(day: Day) -> None:
    console = Console()
    table = Table("who came", "answers", "slowest", "faults", box=None)
    for name, notes in day.notes.items():
        answers = ", ".join(f"{what}: {count}" for what, count in sorted(notes.answers.items()))
        table.add_row(name, answers, f"{notes.slowest_s:.1f} s", str(len(notes.faults)))
    console.print(table, "")
    p50, p99 = (1000 * percentile(day.livez_s, share) for share in (0.5, 0.99))
    console.print(
        f"/livez: {len(day.livez_s)} times, p50 {p50:.0f} ms, p99 {p99:.0f} ms; workers attacked {day.attacks} times"
    )
    memory = (day.rest_before_mb, day.peak_mb, day.budget_mb, day.rest_after_mb)
    console.print(
        "service: {:.0f} MB at rest, {:.0f} at the peak (budget {:.0f} more), {:.0f} afterwards".format(*memory)
    )
    failures = day.failures()
    console.print("FAIL: " + "; ".join(failures) if failures else "PASS: every promise held", highlight=False)


def as_data(day: Day) -> dict[str, Any]:
    visitors = {
        name: {"answers": dict(notes.answers), "faults": notes.faults[:20], "slowest_s": round(notes.slowest_s, 2)}
        for name, notes in day.notes.items()
    }
    livez_ms = {
        f"p{round(100 * share)}": round(1000 * percentile(day.livez_s, share), 1) for share in (0.5, 0.95, 0.99)
    }
    memory = {"before": day.rest_before_mb, "peak": day.peak_mb, "budget": day.budget_mb, "after": day.rest_after_mb}
    return {"visitors": visitors, "livez_ms": livez_ms, "memory_mb": memory, "attacks": day.attacks}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--model", default="selfie", metavar="NAME", help="a model that was pulled; default: selfie")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="default: 10")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all that was seen to OUT")
    chosen = parser.parse_args(arguments)
    with ending_in_one_line("chaos"), silhouette(chosen.model) as server:
        day = asyncio.run(run(server, chosen.model, chosen.minutes * 60))
    print_day(day)
    if chosen.json:
        chosen.json.write_text(json.dumps(as_data(day), indent=1) + "\n")
    sys.exit(1 if day.failures() else 0)


if __name__ == "__main__":
    main()

"""What it brings that the next batch comes to a worker while it computes one: the real queue, feeding and worker
process, and a network that sleeps for as long as a device would compute."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness.command import argument_parser, ending_in_one_line
from benchmarks.speed.scaling_server import MODEL, sleeping_families
from service.models.store import Checkpoint, ModelStore
from service.queue.batcher import Batcher
from service.queue.schedule import BatchPolicy
from service.queue.ticket import Outcome
from service.settings import read_settings
from service.telemetry.metrics import Metrics
from service.workers.local.pool import LocalPool
from service.workers.plan import WorkerPlan

MS_PER_S = 1000
CLIENTS_A_PLACE = 6
"""So that full batches wait all the time."""

TIMEOUT_S = 60.0

EPILOG = """\
"between two" is what a worker waits for from one batch to the next, in milliseconds; both ways take turns, and no
picture is decoded, so this process has nothing to do but to feed.

example:
  python -m benchmarks.speed.ahead --network-ms 20 --batch 8
"""


@dataclass
class Run:
    """What one worker did in some seconds."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def images_per_s(self) -> float:
        return len(self.outcomes) / self.seconds

    @property
    def between_ms(self) -> float:
        batches = sum(1 / outcome.batch_size for outcome in self.outcomes)
        infer_ms = sum(outcome.infer_ms / outcome.batch_size for outcome in self.outcomes)
        return (self.seconds * MS_PER_S - infer_ms) / batches


async def measure(checkpoint: Checkpoint, network_s: float, batch: int, seconds: float, ahead: bool) -> Run:
    families = partial(sleeping_families, network_s)
    plan = WorkerPlan("cpu", 1, 1, batch, [checkpoint], families, takes_ahead=ahead)
    batcher = Batcher(BatchPolicy(batch, None, 0), 1, Metrics())
    pool = LocalPool([plan], batcher, read_settings(pool="local"), Metrics())
    spec, run = checkpoint.card.input, Run()
    pixels = np.zeros((spec.height, spec.width, 3), np.uint8)

    async def ask_until(end: float) -> None:
        while (now := time.monotonic()) < end:
            run.outcomes.append(await batcher.predict(checkpoint.card.key, pixels, now + TIMEOUT_S))

    await pool.start()
    try:
        started = time.monotonic()
        await asyncio.gather(*(ask_until(started + seconds) for _ in range(CLIENTS_A_PLACE * batch)))
        run.seconds = time.monotonic() - started
    finally:
        await pool.stop(TIMEOUT_S)
    return run


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 where the weights were not pulled."""
    parser = argument_parser(__doc__, EPILOG)
    parser.add_argument("--network-ms", type=float, default=20.0, metavar="MS", help="of a batch; default: 20")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="images of a full one; default: 8")
    parser.add_argument("--seconds", type=float, default=4.0, metavar="N", help="of each run; default: 4")
    parser.add_argument("--rounds", type=int, default=4, metavar="N", help="default: 4")
    chosen = parser.parse_args(arguments)
    with ending_in_one_line("ahead"):
        store = ModelStore(read_settings().model_store)
        checkpoint = store.checkpoint(store.card(MODEL))
    table = Table("images/s", "brought ahead", "ratio", "between two", "brought ahead", box=None)
    of = partial(measure, checkpoint, chosen.network_ms / MS_PER_S, chosen.batch, chosen.seconds)
    for _ in range(chosen.rounds):
        one, two = (asyncio.run(of(ahead)) for ahead in (False, True))
        ratio = two.images_per_s / one.images_per_s
        figures = (one.images_per_s, two.images_per_s, ratio, one.between_ms, two.between_ms)
        table.add_row(*(f"{figure:.2f}" for figure in figures))
    Console().print(table)


if __name__ == "__main__":
    main()

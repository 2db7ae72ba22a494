"""The service on a machine with more cores than there are: what holds no lock sleeps, see `scaling.py`."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np

from service.app import create_app
from service.cli.fronts import serve_with_fronts
from service.cli.server import SilhouetteServer, allow_connections, server_config
from service.models.labels import Scores
from service.models.store import Checkpoint, ModelCard
from service.queue.claim import Claim
from service.queue.pixel_scheduler import PixelScheduler
from service.settings import read_settings
from service.telemetry.log import configure_logging

if TYPE_CHECKING:
    from service.models.segmenters.base import Pixels, Segmenter
    from service.models.segmenters.devices import Device

Result = TypeVar("Result")

MODEL = "u2net"

READ_SHARE = 0.2
"""Of the pixel stages' time: decoding and resizing, before the network looks. `benchmarks/speed/pixel_stages.py`."""


def spend(lock_s: float, free_s: float) -> None:
    """Holds the interpreter's lock for `lock_s` of CPU time, and then sleeps without it."""
    end = time.thread_time() + lock_s
    while time.thread_time() < end:
        pass
    time.sleep(free_s)


class SimulatedPixels(PixelScheduler):
    """Works once at each stage; from then on a stage's time is spent instead, and its first result is returned.

    All requests must be for the same picture.
    """

    def __init__(self, threads: int, lock_s: float, free_s: float) -> None:
        super().__init__(threads)
        shares = {"read": READ_SHARE, "finish": 1 - READ_SHARE}
        self._spent = {stage: (lock_s * share, free_s * share) for stage, share in shares.items()}
        self._results: dict[str, object] = {}

    async def run(self, claim: Claim, stage: str, work: Callable[[], Result], pixels_to_book: int = 0) -> Result:
        def simulated() -> Result:
            if stage not in self._spent:
                return work()
            if stage in self._results:
                spend(*self._spent[stage])
            else:
                self._results[stage] = work()
            result: Result = self._results[stage]  # type: ignore[assignment]  # of the same stage
            return result

        return await super().run(claim, stage, simulated, pixels_to_book)


def sleeping_families(network_s: float) -> "Mapping[str, type[Segmenter]]":
    """Takes as long for a batch as a worker for an image: a batch of N is N workers."""

    class SleepingSegmenter:
        def __init__(self, card: ModelCard) -> None:
            self._scores = disc(card)

        @classmethod
        def load(cls, checkpoint: Checkpoint, device: "Device") -> Self:
            return cls(checkpoint.card)

        def expect(self, largest: int) -> None:
            """There is nothing to get ready."""

        def predict(self, images: "Sequence[Pixels]") -> list[Scores]:
            time.sleep(network_s)
            return [self._scores for _ in images]

    return {MODEL: SleepingSegmenter}


def disc(card: ModelCard) -> Scores:
    """(1, h, w): a subject in the middle, with an edge of some pixels."""
    _, height, width = card.score_shape
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(rows - height / 2, columns - width / 2)
    return np.clip((height / 3 - distance) / 4 + 0.5, 0, 1).astype(np.float32)[np.newaxis]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, required=True, metavar="N")
    parser.add_argument("--threads", type=int, required=True, metavar="N", help="that work on pixels")
    parser.add_argument("--lock-ms", type=float, required=True, metavar="MS", help="of pixel work with the lock held")
    parser.add_argument("--free-ms", type=float, required=True, metavar="MS", help="of pixel work without it")
    parser.add_argument("--network-ms", type=float, required=True, metavar="MS", help="of a worker")
    parser.add_argument("--fronts", type=int, default=1, metavar="N", help="processes that speak HTTP")
    chosen = parser.parse_args(arguments)
    settings = read_settings(
        host="127.0.0.1",
        port=0,
        models=MODEL,
        device="cpu",
        workers=1,
        max_batch_size=chosen.workers,
        precision="fp32",
        queue_capacity=1000,
        max_megapixels_in_flight=10_000,
        max_bytes_in_flight=10_000_000_000,
        peer_share=1,
        fronts=chosen.fronts,
        pixel_threads=chosen.threads,
    )
    configure_logging("json")
    families = partial(sleeping_families, chosen.network_ms / 1000)
    make_pixels = partial(SimulatedPixels, lock_s=chosen.lock_ms / 1000, free_s=chosen.free_ms / 1000)
    if chosen.fronts > 1:
        sys.exit(serve_with_fronts(settings, families, make_pixels))
    app = create_app(settings, families, make_pixels(chosen.threads))
    allow_connections(settings.max_connections)
    SilhouetteServer(server_config(app, settings), app.state.service).run()


if __name__ == "__main__":
    main()

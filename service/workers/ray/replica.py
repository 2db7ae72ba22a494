"""One replica: a worker in a process of Ray's. Loads every model once, warms it up, then answers batches."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from service.telemetry.stopwatch import Facts
from service.workers.allocator import keep_blocks
from service.workers.loaded import WAIT_ASLEEP, load, run_batch
from service.workers.plan import WorkerPlan
from service.workers.ray.weights import on_this_node

logger = logging.getLogger(__name__)

Reply = dict[str, Any]


class Replica:
    """Ray makes it, calls it from one event loop, and replaces it when it is gone."""

    def __init__(self, plan: WorkerPlan, fingerprint: str, mirror: str | None) -> None:
        """Raises ConfigurationError where a model cannot be loaded here."""
        os.environ.setdefault(*WAIT_ASLEEP)
        keep_blocks()
        self._fingerprint = fingerprint
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        """Everything that computes does so on one thread: OpenMP keeps a team of its own for each."""
        identity = _identity()
        self._loaded = self._thread.submit(lambda: load(on_this_node(plan, mirror), identity)).result()
        self._process = psutil.Process()

    async def run(
        self, pixels: NDArray[np.uint8], model: str, threads: int, timeout_s: float, traceparents: Sequence[str]
    ) -> Reply:
        """`pixels` (n, h, w, 3) of one model; the reply has `scores` (n, C, h, w), or `error_kind` and `error`."""
        loop = asyncio.get_running_loop()
        asked = pixels, model, threads, timeout_s, traceparents
        reply = await loop.run_in_executor(self._thread, self._run_batch, *asked)
        return {**reply, **self._facts()}

    async def describe(self) -> Reply:
        """What it was deployed with, and what one image takes, in seconds, by model."""
        return {"fingerprint": self._fingerprint, "warm_s": dict(self._loaded.warm_s), **self._facts()}

    async def check_health(self) -> None:
        """Ray asks now and then, and replaces a replica that raises or is silent."""

    def __del__(self) -> None:
        """Ray calls it when it ends a replica that it has no more use for."""
        if loaded := getattr(self, "_loaded", None):  # else it never came so far
            loaded.close()

    def _run_batch(
        self, pixels: NDArray[np.uint8], model: str, threads: int, timeout_s: float, traceparents: Sequence[str]
    ) -> Reply:
        if model not in self._loaded.cards:
            return {"error_kind": "model", "error": f"the replica has no model {model}: other fronts deployed others"}
        scores: list[NDArray[np.float32]] = []
        pictures = list(pixels.copy())  # Ray's own cannot be written to, and torch warns of such

        def keep(_: int, each: NDArray[np.float32]) -> None:
            scores.append(each)

        with _ending_hangs(timeout_s):
            reply = run_batch(self._loaded, model, pictures, threads, keep, traceparents)
        if reply.get("error_kind") == "poisoned":
            _end("poisoned")  # the device computes no more; whoever waits hears of the death
        return reply if "error_kind" in reply else {**reply, "scores": np.stack(scores)}

    def _facts(self) -> Reply:
        return {
            "device": str(self._loaded.device.torch_device),
            "pid": os.getpid(),
            "rss_bytes": self._process.memory_info().rss,
            "device_memory_bytes": self._loaded.device.memory_bytes(),
        }


def _identity() -> Facts:
    """Of this replica among all, as its spans tell it."""
    import ray
    from ray import serve

    replica = serve.get_replica_context().replica_id.unique_id
    return {"silhouette.node": ray.util.get_node_ip_address(), "silhouette.replica": replica}


@contextlib.contextmanager
def _ending_hangs(timeout_s: float) -> Iterator[None]:
    """A hang is a crash: nobody can end a thread that computes, so the process ends."""
    timer = threading.Timer(timeout_s, _end, ("hang",))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(cause: str) -> None:
    logger.error("replica ends itself: %s", cause)
    os._exit(1)

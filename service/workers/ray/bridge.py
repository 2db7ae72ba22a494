"""The service's side of the driver: a control pipe, and lanes for batches. Blocking: called on threads."""

import contextlib
import multiprocessing
import threading
from collections.abc import Container, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from service.configuration_errors import WorkerFailed
from service.errors import ModelFailed, OutOfDeviceMemory
from service.queue.ticket import Ticket
from service.workers.channel import Caller, Message, WorkerConfused, WorkerSilent
from service.workers.child import START_TIMEOUT_S, ChildProcess
from service.workers.plan import WorkerPlan
from service.workers.ray.cluster import Cluster
from service.workers.ray.driver import run_driver
from service.workers.slots import Slots
from service.workers.worker import BatchRun, WorkerDied, asked_of

LANE_GRACE_S = 10.0
"""Beyond what the driver waits for a replica: after that it is the driver that hangs."""


@dataclass(frozen=True)
class ReplicaState:
    """One replica, as Ray's controller sees it."""

    pid: int
    node: str
    """Its address."""
    is_running: bool


@dataclass(frozen=True)
class Sight:
    """The replicas at one moment."""

    status: str
    """Of Ray's application."""
    replicas: tuple[ReplicaState, ...]

    @property
    def running(self) -> int:
        return sum(replica.is_running for replica in self.replicas)


class Lane:
    """The way of one batch at a time to some replica, and back."""

    def __init__(self, number: int, bridge: "Bridge", connection: "Connection[Any, Any]", slots: Slots) -> None:
        self.number = number
        self._bridge = bridge
        self._caller = Caller(connection)
        self.slots = slots
        self.pid = 0
        """Of the replica that answered last."""
        self.device = bridge.plan.device
        self.is_closed = False
        """The driver is gone."""

    @property
    def plan(self) -> WorkerPlan:
        return self._bridge.plan

    @property
    def models(self) -> Container[str]:
        return self._bridge.cards.keys()

    @property
    def sentinel(self) -> int:
        return self._bridge.sentinel

    def run(self, batch: Sequence[Ticket], timeout_s: float, threads: int = 1) -> BatchRun:
        """As BatchRunner's. WorkerDied is a replica's death, unless the lane `is_closed`."""
        card = self._bridge.cards[batch[0].model]
        self.slots.put(card, [ticket.pixels for ticket in batch])
        patience_s = timeout_s + LANE_GRACE_S
        answer = self._ask(patience_s, {**asked_of(batch, threads), "timeout_s": timeout_s})
        match answer.get("error_kind"):
            case "memory":
                raise OutOfDeviceMemory
            case "hang" | "crash" as cause:
                raise WorkerDied(cause, on_board=True)
            case "model":
                raise ModelFailed(answer["error"])
        self._bridge.note(answer)
        self.pid, self.device = answer["pid"], answer["device"]
        return BatchRun(self.slots.take_scores(card, len(batch)), answer["infer_s"], answer["is_traced"])

    def ping(self, timeout_s: float) -> None:
        """Raises WorkerDied where the driver does not answer. How replicas are, Ray asks itself."""
        self._ask(timeout_s, {"ping": True})

    def kill(self) -> None:
        self._bridge.kill()

    def close(self) -> None:
        self._caller.close()
        self.slots.close()

    def _ask(self, timeout_s: float, request: Message) -> Message:
        try:
            self._caller.ask(**request)
            return self._caller.reply(timeout_s)
        except (WorkerSilent, WorkerConfused, EOFError, OSError) as error:
            self.is_closed = True
            self._bridge.kill()
            raise WorkerDied("hang" if isinstance(error, WorkerSilent) else "crash", on_board=False) from error


class Bridge(ChildProcess):
    """One driver process, from its start to its end. What fills the one place of a pool of replicas."""

    stop_timeout_s = 20.0
    """For the end of a cluster of its own, or of its replicas in another's."""

    def __init__(self, plan: WorkerPlan, cluster: Cluster) -> None:
        """Raises WorkerFailed where there is no memory or no pipe for it."""
        super().__init__()
        self.plan = plan
        self.cards = {model.card.key: model.card for model in plan.models}
        self.device = plan.device
        self.device_memory_bytes = 0
        self.batches = 0
        self._memory: dict[int, Message] = {}
        """What replicas said last of their memory, by pid."""
        self._commanding = threading.Lock()
        """One question at a time has the pipe."""
        self.lanes: list[Lane] = []
        self._far_ends: list[Connection[Any, Any]] = []
        try:
            with contextlib.ExitStack() as taken:
                taken.callback(self._free)
                self._make(cluster)
                taken.pop_all()
        except OSError as error:
            raise WorkerFailed(f"no shared memory or pipe for Ray's driver: {error}") from error

    def _make(self, cluster: Cluster) -> None:
        context = multiprocessing.get_context("spawn")
        cards = list(self.cards.values())
        for number in range(cluster.max_replicas):
            near_end, far_end = context.Pipe()
            self._far_ends.append(far_end)
            self.lanes.append(Lane(number, self, near_end, Slots.create(cards, self.plan.max_batch_size)))
        far_lanes = [(far_end, lane.slots) for far_end, lane in zip(self._far_ends, self.lanes, strict=True)]
        self._make_process(context, run_driver, self.plan, cluster, far_lanes)

    def start(self) -> dict[str, float]:
        """Returns when replicas are running: what one image took, in seconds, by model.

        Raises WorkerFailed with Ray's own reason.
        """
        greeting = self._greeted()
        self.device = greeting["device"]
        warm_s: dict[str, float] = greeting["warm_s"]
        return warm_s

    def look(self, timeout_s: float) -> Sight:
        """Raises WorkerSilent, which the control store's absence may be the reason of, and EOFError or OSError."""
        answer = self._command("look", timeout_s)
        return Sight(answer["status"], tuple(ReplicaState(**each) for each in answer["replicas"]))

    def restore(self) -> None:
        """Its plan is deployed once more, after another one has failed. What comes of it the next look tells."""
        with contextlib.suppress(WorkerSilent, WorkerConfused, EOFError, OSError):
            self._command("restore", START_TIMEOUT_S)

    def _command(self, command: str, timeout_s: float) -> Message:
        with self._commanding:
            self._caller.ask(command=command)
            answer = self._caller.reply(timeout_s)
        if reason := answer.get("failed"):
            raise WorkerSilent(reason)
        return answer

    def memory_of(self, pid: int) -> tuple[int, int]:
        """(resident bytes, bytes on the device) of a replica, as it said with its last batch; 0 before."""
        said = self._memory.get(pid, {"rss_bytes": 0, "device_memory_bytes": 0})
        return said["rss_bytes"], said["device_memory_bytes"]

    def note(self, answer: Message) -> None:
        """Of a batch that was run."""
        self.batches += 1
        self._memory[answer["pid"]] = answer

    def _hand_over(self) -> None:
        super()._hand_over()
        for far_end in self._far_ends:
            far_end.close()

    def _free(self) -> None:
        for far_end in self._far_ends:
            far_end.close()
        for lane in self.lanes:
            lane.close()

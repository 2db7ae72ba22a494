"""A supervisor and its fronts, in one process and over real sockets; a test plays the workers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.access.keyring import Key, hash_of
from service.access.quotas import Quotas
from service.engine.changes import ModelChanges
from service.engine.followed import FollowedModels
from service.engine.served import ServedModels
from service.errors import DeadlineExceeded, Draining, Failure, ModelsUnchanged, NotReady, QuotaExceeded, UnknownModel
from service.fronts.hub import Hub
from service.fronts.link import Link, RemoteLedger, RemotePool, RemoteQueue
from service.fronts.wire import cards_of, facts_of_cards
from service.models.store import ModelCard, ModelStore
from service.queue.batcher import Batcher
from service.queue.schedule import BatchPolicy, Lane
from service.queue.ticket import Outcome
from service.settings import read_settings
from service.telemetry.metrics import Metrics
from service.workers.local.pool import LocalPool
from tests.pools import tiny_plan

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0
PHOTO = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
SCORES = np.array([[[0.25, 0.5]]], np.float32)
OUTCOME = Outcome(SCORES, device="cpu", worker=3, batch_size=1, queue_ms=1.5, infer_ms=2.5)


class Supervisor:
    """A queue that nobody serves but the test."""

    def __init__(self, folder: Path) -> None:
        plan = tiny_plan(folder)
        self.metrics = Metrics()
        self.batcher = Batcher(BatchPolicy(4, None, 0), workers=1, metrics=self.metrics)
        self.pool = LocalPool([plan], self.batcher, read_settings(), self.metrics)
        self.served = ServedModels([model.card for model in plan.models])
        self.changes = ModelChanges(
            ModelStore(folder), plan.models, self.served, self.pool, lambda _: [plan], self.metrics
        )
        self.hub = Hub(self.batcher, self.pool, self.metrics, self.changes)
        self.served.on_exchange, self.served.unused_by_fronts = self.hub.tell_models, self.hub.until_unused


class Front:
    """A link, and the queue at its other end."""

    def __init__(self, connection: socket.socket, cards: Sequence[ModelCard] = ()) -> None:
        self.lost = asyncio.Event()
        self.metrics = Metrics()
        self.link = Link(connection, on_lost=self.lost.set)
        self.link.figures = self.metrics.figures
        self.queue = RemoteQueue(self.link)
        self.pool = RemotePool(self.link, size=1, places=1)
        self.served = ServedModels(cards)
        self.changes = FollowedModels(self.link, self.served)

    @property
    def default(self) -> str:
        return self.served.catalogue.cards[0].name

    def ask(self, timeout_s: float = 3600.0) -> "asyncio.Task[Outcome]":
        deadline = asyncio.get_running_loop().time() + timeout_s
        return asyncio.ensure_future(self.queue.predict("tiny-subject", PHOTO, deadline, Lane.BULK))

    async def count(self, name: str) -> float:
        """What the supervisor says of all fronts."""
        text = (await self.link.ask("scrape")).content.decode()
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == name)


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = Supervisor(tmp_path)
    telling = asyncio.create_task(made.hub.tell())
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield made
    finally:
        telling.cancel()
        await made.pool.stop(0)


@asynccontextmanager
async def front_of(supervisor: Supervisor, cards: Sequence[ModelCard] = ()) -> AsyncIterator[Front]:
    """`cards`: what it begins with, where that is not what is served now."""
    ours, theirs = socket.socketpair()
    has_spoken = asyncio.Event()
    attending = asyncio.create_task(supervisor.hub.attend(ours, has_spoken.set))
    front = Front(theirs, cards or supervisor.served.catalogue.cards)
    await front.link.open()
    try:
        yield front
    finally:
        await front.link.close()
        await attending
        assert has_spoken.is_set()


async def until_waiting(supervisor: Supervisor, count: int) -> None:
    while supervisor.batcher.waiting != count:  # noqa: ASYNC110  # what arrives over a socket has no event here
        await asyncio.sleep(0.001)


async def test_what_a_front_asks_is_answered_from_the_queue_of_all(supervisor: Supervisor) -> None:
    async with front_of(supervisor) as one, front_of(supervisor) as other:
        calls = [one.ask(), other.ask()]
        await until_waiting(supervisor, 2)
        batch = await supervisor.batcher.take()
        assert [(ticket.model, ticket.lane) for ticket in batch] == [("tiny-subject", Lane.BULK)] * 2
        assert all(np.array_equal(ticket.pixels, PHOTO) for ticket in batch)
        supervisor.batcher.answer(batch, [OUTCOME, OUTCOME], run_s=0.01)
        for outcome in await asyncio.gather(*calls):
            assert np.array_equal(outcome.scores, SCORES)
            assert (outcome.device, outcome.worker, outcome.queue_ms, outcome.infer_ms) == ("cpu", 3, 1.5, 2.5)


async def test_of_a_front_that_ends_nothing_waits_and_the_other_s_go_on(supervisor: Supervisor) -> None:
    async with front_of(supervisor) as survivor:
        async with front_of(supervisor) as victim:
            lost = [victim.ask() for _ in range(3)]
            kept = survivor.ask()
            await until_waiting(supervisor, 4)
        await until_waiting(supervisor, 1)
        assert {type(call.exception()) for call in lost} == {Draining}
        supervisor.batcher.answer(await supervisor.batcher.take(), [OUTCOME], run_s=0.01)
        assert (await kept).worker == 3


async def test_a_call_that_is_cancelled_waits_no_longer_in_the_queue(supervisor: Supervisor) -> None:
    async with front_of(supervisor) as front:
        call = front.ask()
        await until_waiting(supervisor, 1)
        call.cancel()
        await until_waiting(supervisor, 0)
        with contextlib.suppress(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("failure", [NotReady("no worker is left", 7), DeadlineExceeded("too late")])
async def test_a_failure_crosses_as_it_is(supervisor: Supervisor, failure: Failure) -> None:
    async with front_of(supervisor) as front:
        call = front.ask()
        await until_waiting(supervisor, 1)
        supervisor.batcher.fail(await supervisor.batcher.take(), failure)
        with pytest.raises(type(failure), match=failure.detail) as told:
            await call
        assert vars(told.value) == vars(failure)


async def test_who_waits_in_any_front_makes_the_queue_longer_for_all(supervisor: Supervisor) -> None:
    supervisor.batcher.pace.observe("tiny-subject", 2.0, 1)
    async with front_of(supervisor) as one, front_of(supervisor) as other:
        call = one.ask()
        while other.queue.depth(Lane.BULK) != 1:  # noqa: ASYNC110  # the supervisor tells it by and by
            await asyncio.sleep(0.001)
        assert other.queue.waiting == 1
        assert other.queue.expected_wait_s(Lane.BULK) == 2.0
        call.cancel()


async def test_a_front_starts_when_the_workers_have(supervisor: Supervisor) -> None:
    ours, theirs = socket.socketpair()
    attending = asyncio.create_task(supervisor.hub.attend(ours))
    front = Front(theirs)
    starting = asyncio.create_task(front.pool.start())
    await asyncio.sleep(0)
    assert not starting.done()
    supervisor.hub.has_started = True
    await starting
    await front.link.close()
    await attending


async def test_a_front_hears_when_the_supervisor_is_gone() -> None:
    ours, theirs = socket.socketpair()
    front = Front(theirs)
    await front.link.open()
    ours.close()
    async with asyncio.timeout(PATIENCE_S):
        await front.lost.wait()
    await front.link.close()


async def test_figures_of_all_fronts_add_up_and_those_of_one_that_ended_are_not_lost(supervisor: Supervisor) -> None:
    name = "silhouette_routed_total"
    async with front_of(supervisor) as survivor:
        survivor.metrics.routed.labels("a", "b").inc(2)
        async with front_of(supervisor) as victim:
            victim.metrics.routed.labels("a", "b").inc(3)
            victim.metrics.connections.set(4)
            assert await survivor.count(name) == await victim.count(name) == 5
            assert await survivor.count("silhouette_connections") == 4
        assert await survivor.count(name) == 5
        assert await survivor.count("silhouette_connections") == 0


async def test_the_requests_of_a_key_are_counted_for_all_fronts_together(supervisor: Supervisor) -> None:
    key = Key("shop", frozenset({"images"}), 3.0, None, hash_of("x"))
    async with front_of(supervisor) as one, front_of(supervisor) as other:
        first, second = (Quotas(ledger=RemoteLedger(front.link)).of(key) for front in (one, other))
        for allowance in (first, second, first):
            await allowance.begin_request()
        with pytest.raises(QuotaExceeded, match="3 requests a minute"):
            await second.begin_request()
        assert '"requests";r=0;' in second.headers()["RateLimit"]


async def test_without_a_supervisor_a_front_counts_for_itself(supervisor: Supervisor) -> None:
    async with front_of(supervisor) as front:
        allowance = Quotas(ledger=RemoteLedger(front.link)).of(Key("shop", frozenset(), 1.0, None, hash_of("x")))
        await front.link.close()
        await allowance.begin_request()
        with pytest.raises(QuotaExceeded):
            await allowance.begin_request()


async def test_a_change_that_one_front_asks_for_is_in_every_front_when_it_is_answered(supervisor: Supervisor) -> None:
    before = supervisor.served.catalogue.cards
    async with front_of(supervisor) as one, front_of(supervisor) as other:
        assert (one.default, other.default) == ("tiny-subject", "tiny-subject")
        assert (await one.changes.make_default("tiny-classes")).name == "tiny-classes"
        assert (one.default, other.default) == ("tiny-classes", "tiny-classes")
        async with front_of(supervisor, before) as later:
            await later.count("silhouette_connections")
            assert later.default == "tiny-classes"


async def test_what_cannot_be_changed_is_refused_as_with_one_front(supervisor: Supervisor) -> None:
    async with front_of(supervisor) as front:
        with pytest.raises(UnknownModel, match="loaded are tiny-subject, tiny-classes"):
            await front.changes.make_default("u3net")
        with pytest.raises(UnknownModel, match="u3net"):
            await front.changes.load("u3net")
        supervisor.served.exchange(supervisor.served.catalogue.cards[:1])
        with pytest.raises(ModelsUnchanged, match="only model"):
            await front.changes.unload("tiny-subject")


async def test_a_model_is_in_use_until_the_last_front_is_done_with_it_or_gone(supervisor: Supervisor) -> None:
    card = supervisor.served.catalogue.cards[0]
    async with front_of(supervisor) as one, front_of(supervisor) as other:
        with one.served.in_use(card):
            async with front_of(supervisor) as victim:
                with victim.served.in_use(card):
                    waiting = asyncio.create_task(supervisor.served.until_unused(card))
                    await other.count("silhouette_connections")  # all have heard of it
                    await victim.link.close()
            await other.count("silhouette_connections")
            assert not waiting.done()
        await waiting


async def test_cards_cross_with_their_revisions(supervisor: Supervisor) -> None:
    cards = [card.model_copy(update={"revision": 2}) for card in supervisor.served.catalogue.cards]
    assert cards_of(facts_of_cards(cards)) == cards

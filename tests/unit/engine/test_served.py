"""Who is at work with a model, who only waits for one, and what nobody asks for."""

import asyncio
import time

import pytest

from service.engine.served import ServedModels
from service.errors import DeadlineExceeded, UnknownModel
from service.models.store import ModelCard, ModelStore
from tests.fakes import make_store

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> list[ModelCard]:
    store = ModelStore(make_store(tmp_path_factory.mktemp("served")))
    return [store.card(name) for name in ("tiny-subject", "tiny-classes")]


def soon() -> float:
    return asyncio.get_running_loop().time() + PATIENCE_S


async def test_a_model_is_unused_when_the_last_who_began_with_it_has_ended(cards: list[ModelCard]) -> None:
    served = ServedModels(cards)
    with served.in_use(cards[1]), served.in_use(served.catalogue.model("best")):
        served.exchange(cards[:1])
        waiting = asyncio.ensure_future(served.until_unused(cards[1]))
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(PATIENCE_S):
        await waiting


async def test_nobody_who_changes_models_waits_for_those_who_wait_for_a_model(cards: list[ModelCard]) -> None:
    """Or else each would wait for the other."""
    served, awakens = ServedModels(cards), asyncio.Event()
    best = served.catalogue.model("best")

    async def wake(card: ModelCard) -> None:
        await awakens.wait()
        served.woke_up([card])

    served.wake = wake
    served.put_to_sleep([cards[1]])
    with served.in_use(best):
        waking = asyncio.ensure_future(served.be_awake(best, soon()))
        await asyncio.sleep(0)
        served.exchange(cards[1:])
        async with asyncio.timeout(PATIENCE_S):
            await served.until_unused(cards[0])
        awakens.set()
        with pytest.raises(UnknownModel, match="tiny-subject was unloaded"):
            await waking


async def test_a_model_that_does_not_wake_in_time_is_an_answer_too_late(cards: list[ModelCard]) -> None:
    async def wake(_: ModelCard) -> None:
        await asyncio.Event().wait()

    served = ServedModels(cards)
    served.wake = wake
    served.put_to_sleep([cards[1]])
    with served.in_use(cards[1]), pytest.raises(DeadlineExceeded, match="still loading"):
        await served.be_awake(cards[1], asyncio.get_running_loop().time())


async def test_neither_the_default_nor_what_is_in_use_or_was_asked_for_lately_counts_as_unasked(
    cards: list[ModelCard],
) -> None:
    served = ServedModels(cards)
    assert served.unasked(idle_s=3600) == []
    assert served.unasked(idle_s=0) == [cards[1]]
    with served.in_use(cards[1]):
        assert served.unasked(idle_s=0) == []
    began_s = time.monotonic()
    assert served.unasked(idle_s=0) == [cards[1]]
    assert served.unasked(idle_s=time.monotonic() - began_s + 3600) == []
    served.put_to_sleep([cards[1]])
    assert served.unasked(idle_s=0) == []


async def test_those_who_stay_with_a_model_hear_when_it_goes(cards: list[ModelCard]) -> None:
    served, gone = ServedModels(cards), list[str]()
    served.on_leaving = lambda leaving: gone.extend(card.key for card in leaving)
    newer = cards[1].model_copy(update={"revision": 1})
    served.replace(cards[1], newer)
    assert gone == ["tiny-classes"]
    served.exchange(cards[:1])
    assert gone == ["tiny-classes", "tiny-classes~1"]
    served.exchange([*cards[:1], newer])
    assert gone == ["tiny-classes", "tiny-classes~1"]

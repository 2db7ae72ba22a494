"""The memory that pixels and scores cross in."""

import os
import resource
from collections.abc import Iterator

import numpy as np
import pytest

from service.configuration_errors import WorkerFailed
from service.models.store import ModelCard, ModelStore
from service.models.store.card import InputSpec
from service.workers.slots import Slots, reserve, slot_bytes
from tests.fakes import make_store
from tests.pools import leaking_nothing

MB = 1_000_000


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> list[ModelCard]:
    store = ModelStore(make_store(tmp_path_factory.mktemp("slots")))
    return [store.card(name) for name in ("tiny-subject", "tiny-classes")]


def test_each_slot_holds_its_own_pixels_and_scores_of_any_model(cards: list[ModelCard]) -> None:
    slots = Slots.create(cards, 3)
    for card in cards:
        for slot in range(3):
            slots.pixels(card, slot)[:] = slot
            slots.scores(card, slot)[:] = slot + 0.5
        for slot in range(3):
            assert (slots.pixels(card, slot) == slot).all()
            assert np.allclose(slots.scores(card, slot), slot + 0.5)
    slots.close()


def test_a_slot_holds_pictures_of_any_size_that_a_model_may_see(cards: list[ModelCard]) -> None:
    sides = {"width": 64, "height": 64, "resize": "shorter", "longest": 160, "multiple": 16}
    tiny = cards[0]
    shown = InputSpec.model_validate({**tiny.input.model_dump(), **sides})
    halved = tiny.output.model_copy(update={"width": 32, "height": 32})
    mine = tiny.model_copy(update={"family": "onnx", "input": shown, "output": halved})
    slots = Slots.create([*cards, mine], 2)
    for height, width in ((64, 160), (160, 64), (64, 64), (16, 160)):
        slots.put(mine, [np.full((height, width, 3), level, np.uint8) for level in (7, 9)])
        slots.scores(mine, 0)[:] = 0.25
        assert slots.scores(mine, 0).shape == (1, height // 2, width // 2)
        assert [np.unique(slots.pixels(mine, slot)).tolist() for slot in (0, 1)] == [[7], [9]]
        assert slots.pixels(mine, 1).shape == (height, width, 3)
    with pytest.raises(ValueError, match="sees no picture of 160x160"):
        slots.put(mine, [np.zeros((160, 160, 3), np.uint8)])
    slots.close()


def test_memory_is_there_when_it_is_reserved_and_not_only_promised() -> None:
    handle = reserve(3 * MB)
    found = os.fstat(handle)
    os.close(handle)
    assert found.st_size == 3 * MB
    assert found.st_blocks * 512 >= 3 * MB


@pytest.fixture
def little_memory() -> Iterator[int]:
    """No file, also none in memory, may be longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MB, hard))
    yield MB
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_too_little_memory_says_at_once_how_much_is_needed_and_leaves_nothing_open(
    cards: list[ModelCard], little_memory: int
) -> None:
    count = 5 * little_memory // slot_bytes(cards)
    with leaking_nothing(), pytest.raises(WorkerFailed, match="needs 5 MB") as failed:
        Slots.create(cards, count)
    assert "SILHOUETTE_MAX_BATCH_SIZE" in str(failed.value)

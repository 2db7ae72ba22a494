"""Which models are served at this moment, and who is at work with them. Lives on one event loop; knows no worker."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence

from service.errors import DeadlineExceeded, UnknownModel
from service.models.catalogue import Catalogue, Model
from service.models.ensemble import Ensemble
from service.models.store import ModelCard


async def _at_once(_: ModelCard) -> None:
    """Where models are never put to sleep, and where there is no other front."""


class ServedModels:
    """A catalogue that is exchanged between requests, never within one: who has begun with a model ends with it."""

    def __init__(self, cards: Sequence[ModelCard]) -> None:
        self.catalogue = Catalogue(cards)
        self.wake: Callable[[ModelCard], Awaitable[None]] = _at_once
        """Returns when workers have the model again. Raises NotReady."""
        self.on_leaving: Callable[[Sequence[ModelCard]], None] = lambda cards: None
        """Hears of models that are not served any more, for the sake of those who would stay with them for hours."""
        self.on_exchange: Callable[[Sequence[ModelCard]], None] = lambda cards: None
        """Hears of what is served from now on, the default model first."""
        self.unused_by_fronts: Callable[[ModelCard], Awaitable[None]] = _at_once
        """Returns when no front works with it any more."""
        self._users: Counter[str] = Counter()
        """By the keys of cards, as everything here."""
        self._parked: Counter[str] = Counter()
        """Those users that have to wait for another model first."""
        self._asked_at: dict[str, float] = {}
        self._asleep: set[str] = set()
        self._somebody_is_done = asyncio.Event()

    def find(self, name: str) -> ModelCard | None:
        return next((card for card in self.catalogue.cards if card.name == name), None)

    def has(self, card: ModelCard) -> bool:
        """Whether it is what its name stands for now."""
        found = self.find(card.name)
        return found is not None and found.key == card.key

    def is_default(self, card: ModelCard) -> bool:
        return self.catalogue.cards[0].key == card.key

    def exchange(self, cards: Sequence[ModelCard]) -> None:
        """What is asked for from now on; the default model first."""
        kept = {card.key for card in cards}
        leaving = [card for card in self.catalogue.cards if card.key not in kept]
        self.catalogue = Catalogue(cards)
        if leaving:
            self.on_leaving(leaving)
        self.on_exchange(cards)

    def replace(self, former: ModelCard | None, card: ModelCard) -> None:
        """In its place, or last where there was none."""
        cards = self.catalogue.cards
        self.exchange([card if each is former else each for each in cards] if former else [*cards, card])

    @contextlib.contextmanager
    def in_use(self, model: Model) -> Iterator[None]:
        """Within this no worker gives it up. Begin before anything is awaited after it was found in the catalogue."""
        keys = [card.key for card in _cards(model)]
        self._users.update(keys)
        try:
            yield
        finally:
            self._users.subtract(keys)
            self._asked_at.update(dict.fromkeys(keys, time.monotonic()))
            self._somebody_is_done.set()

    async def be_awake(self, model: Model, deadline: float) -> None:
        """Returns when workers have it.

        Raises DeadlineExceeded, NotReady where it cannot be loaded again, and UnknownModel where it went meanwhile.
        """
        sleeping = [card for card in _cards(model) if not self.is_awake(card)]
        if not sleeping:
            return
        with self._parking(model):
            try:
                async with asyncio.timeout_at(deadline):
                    for card in sleeping:
                        await self.wake(card)
            except TimeoutError as error:
                raise DeadlineExceeded(f"{model.name} was unloaded, and is still loading") from error
        if gone := [card.name for card in _cards(model) if not self.has(card)]:
            raise UnknownModel(f"{gone[0]} was unloaded or replaced meanwhile; ask again")

    @contextlib.contextmanager
    def _parking(self, model: Model) -> Iterator[None]:
        """Nobody who changes models waits for those who wait for a change."""
        keys = [card.key for card in _cards(model)]
        self._parked.update(keys)
        self._somebody_is_done.set()
        try:
            yield
        finally:
            self._parked.subtract(keys)

    async def until_unused(self, card: ModelCard) -> None:
        """Until nobody works with it any more."""
        while self._users[card.key] > self._parked[card.key]:
            self._somebody_is_done.clear()
            await self._somebody_is_done.wait()
        await self.unused_by_fronts(card)

    def unasked(self, idle_s: float) -> list[ModelCard]:
        """Those that are awake and that nobody has worked with for so long; never the default one."""
        before = time.monotonic() - idle_s
        return [card for card in self.catalogue.cards[1:] if self.is_awake(card) and self._was_idle_since(before, card)]

    def _was_idle_since(self, moment: float, card: ModelCard) -> bool:
        """From the first look on, where nobody has ever asked."""
        return not self._users[card.key] and self._asked_at.setdefault(card.key, time.monotonic()) <= moment

    def is_awake(self, card: ModelCard) -> bool:
        return card.key not in self._asleep

    def awake_by_name(self) -> dict[str, bool]:
        return {card.name: self.is_awake(card) for card in self.catalogue.cards}

    def put_to_sleep(self, cards: Sequence[ModelCard]) -> None:
        self._asleep.update(card.key for card in cards)

    def woke_up(self, cards: Sequence[ModelCard]) -> None:
        """They count as asked for in this moment."""
        for card in cards:
            self._asleep.discard(card.key)
            self._asked_at[card.key] = time.monotonic()


def _cards(model: Model) -> Sequence[ModelCard]:
    return (model.outline, model.classes) if isinstance(model, Ensemble) else (model,)

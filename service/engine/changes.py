"""Loads and unloads models while requests go on: one change after the other, each as a whole or not at all.

Workers are replaced one after the other, each by a process with the models that are wanted now, and the one before it
serves until that is ready. So what a model took is given back for sure: the process that had it has ended.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from service.configuration_errors import ConfigurationError, UnknownCard
from service.engine.served import ServedModels
from service.errors import Failure, ModelsUnchanged, NotReady, UnknownModel
from service.models.store import Checkpoint, ModelCard, ModelStore
from service.telemetry.log import FIELDS
from service.telemetry.metrics import Metrics
from service.workers.plan import WorkerPlan
from service.workers.pool import ReloadablePool

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

LOOKS_A_SPELL = 4
"""So often in `model_idle_s` it is looked for models that nobody asks for."""

RETRY_AFTER_S = 30
"""Where a model cannot be loaded again: somebody has to look at the log first."""


class Version(NamedTuple):
    """What a name stood for when it was read last."""

    checkpoint: Checkpoint
    """As it was in the store."""
    revision: int


class ModelChanges:
    """One for the whole service."""

    def __init__(
        self,
        store: ModelStore,
        checkpoints: Sequence[Checkpoint],
        served: ServedModels,
        pool: ReloadablePool,
        plan: Callable[[Sequence[Checkpoint]], list[WorkerPlan]],
        metrics: Metrics,
    ) -> None:
        """`checkpoints` are what the pool was made for, and `plan` makes plans for others. It may block."""
        self._store = store
        self._served = served
        self._pool = pool
        self._plan = plan
        self._metrics = metrics
        self._versions = {model.card.name: Version(model, 0) for model in checkpoints}
        self._wanted = {model.card.name: model for model in checkpoints}
        """What is served, asleep or not."""
        self._loaded = list(checkpoints)
        """What every worker has."""
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        served.wake = self._wake

    async def load(self, name: str) -> ModelCard:
        """Serves the model as it is in the store now, and not any more what its name stood for before. Nothing is done
        where that is the same.

        Raises UnknownModel where it has no card, and ModelsUnchanged with the reason.
        """
        return await self._to_the_end("load", name, lambda: self._load(name))

    async def unload(self, name: str) -> None:
        """Returns when everybody who had begun with it is answered, and its memory is given back.

        Raises UnknownModel, BadOption for two that answer as one, or ModelsUnchanged.
        """
        await self._to_the_end("unload", name, lambda: self._unload(name))

    async def make_default(self, name: str) -> ModelCard:
        """The model is meant from now on where a request names none. Raises UnknownModel or BadOption, as `unload`."""
        return await self._to_the_end("default", name, lambda: self._make_default(name))

    async def unload_idle(self, idle_s: float) -> None:
        """Forever: workers give up what nobody has asked for. It stays in the catalogue."""
        while True:
            await asyncio.sleep(idle_s / LOOKS_A_SPELL)
            if cards := self._served.unasked(idle_s):
                with contextlib.suppress(Failure):  # which is in the log
                    names = ",".join(card.name for card in cards)
                    await self._to_the_end("sleep", names, lambda: self._put_to_sleep(idle_s))

    async def close(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    # --- one after the other ----------------------------------------------------------------------------------------

    async def _to_the_end(self, change: str, name: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """A change that has begun goes on to its end, also where whoever asked for it leaves."""
        task = asyncio.create_task(self._recorded(change, name, work))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # heard, if only by the log

    async def _recorded(self, change: str, name: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Leaves one line in the log, whatever comes of it."""
        began_s = time.monotonic()
        facts = {"change": change, "model": name}
        try:
            result = await work()
        except (ConfigurationError, Failure) as error:
            self._metrics.model_changes.labels(change, "failed").inc()
            logger.warning("models unchanged", extra={FIELDS: {**facts, "cause": str(error)}})
            raise _told(error) from error
        self._metrics.model_changes.labels(change, "ok").inc()
        logger.info("models changed", extra={FIELDS: {**facts, "seconds": round(time.monotonic() - began_s, 1)}})
        return result

    async def _load(self, name: str) -> ModelCard:
        """Others have their turn while this waits for those who work with what the name stood for: that may be hours,
        with a film.
        """
        nobody_is_left = asyncio.Event()
        try:
            async with self._turn:
                checkpoint = await asyncio.to_thread(self._read, name)
                new, former = self._versioned(checkpoint), self._served.find(name)
                if former is not None and former.key == new.card.key:
                    await self._awaken(former)
                    return former
                kept = [model for model in self._loaded if model.card.name != name or model.card.key == new.card.key]
                replaced = [model.card for model in self._loaded if model not in kept]
                models = kept if new in kept else [*kept, new]
                cards, farewell = await self._roll_out(models, nobody_is_left if replaced else None)
                self._wanted[name] = new
                self._served.woke_up([cards[name]])
                self._served.replace(former, cards[name])
            for card in replaced:
                await self._served.until_unused(card)
        finally:
            nobody_is_left.set()
        if farewell is not None:
            await asyncio.wait({farewell})
        return cards[name]

    async def _unload(self, name: str) -> None:
        """As `_load`."""
        async with self._turn:
            card, before = self._served.catalogue.card(name), self._served.catalogue.cards
            others = [other for other in before if other is not card]
            if not others:
                raise ModelsUnchanged(f"{name} is the only model that is loaded")
            await self._awaken(others[0])
            self._served.exchange(others)
        await self._served.until_unused(card)
        async with self._turn:
            if self._served.has(card):  # it was loaded again meanwhile
                return
            try:
                await self._roll_out([model for model in self._loaded if model.card.key != card.key])
            except ConfigurationError:
                self._served.replace(self._served.find(name), card)
                raise

    async def _make_default(self, name: str) -> ModelCard:
        async with self._turn:
            card, before = self._served.catalogue.card(name), self._served.catalogue.cards
            await self._awaken(card)
            self._served.exchange([card, *(other for other in before if other is not card)])
            return card

    # --- sleep ------------------------------------------------------------------------------------------------------

    async def _wake(self, card: ModelCard) -> None:
        """Raises NotReady."""
        if self._served.is_awake(card):
            return
        try:
            await self._to_the_end("wake", card.name, lambda: self._awaken_in_turn(card))
        except ModelsUnchanged as failure:
            detail = f"{card.name} was unloaded, and cannot be loaded again: {failure.detail}"
            raise NotReady(detail, RETRY_AFTER_S) from failure

    async def _awaken_in_turn(self, card: ModelCard) -> None:
        async with self._turn:
            await self._awaken(card)

    async def _awaken(self, card: ModelCard) -> None:
        if self._served.is_awake(card) or not self._served.has(card):
            return
        model = self._wanted[card.name]
        await asyncio.to_thread(self._store.verify, model.card)
        await self._roll_out([*self._loaded, model])
        self._served.woke_up([card])

    async def _put_to_sleep(self, idle_s: float) -> None:
        async with self._turn:
            cards = self._served.unasked(idle_s)
            keys = {card.key for card in cards}
            self._served.put_to_sleep(cards)
            try:
                await self._roll_out([model for model in self._loaded if model.card.key not in keys])
            except ConfigurationError:
                self._served.woke_up(cards)
                raise

    # --- what workers have ------------------------------------------------------------------------------------------

    def _read(self, name: str) -> Checkpoint:
        """From the store, verified. Raises ConfigurationError. Reads all of the weights."""
        return self._store.checkpoint(self._store.card(name))

    def _versioned(self, checkpoint: Checkpoint) -> Checkpoint:
        """With the revision by which it is told from all that its name stood for since the service started."""
        card = checkpoint.card
        known = self._versions.get(card.name, Version(checkpoint, 0))
        revision = known.revision + (checkpoint != known.checkpoint)
        self._versions[card.name] = Version(checkpoint, revision)
        return replace(checkpoint, card=card.model_copy(update={"revision": revision}))

    async def _roll_out(
        self, models: Sequence[Checkpoint], keep_until: asyncio.Event | None = None
    ) -> "tuple[dict[str, ModelCard], asyncio.Task[None] | None]":
        """Every worker has these when it returns: as they compute in there, by name. Raises ConfigurationError.

        Until the event, there is still one that has what they all had before; the task is over when it has ended.
        """
        plans = await asyncio.to_thread(self._plan, models)
        farewell = await self._pool.adopt(plans, keep_until)
        self._loaded = list(models)
        return {model.card.name: model.card for model in plans[0].models}, farewell


def _told(error: ConfigurationError | Failure) -> Failure:
    """As the caller hears of it, who is the operator."""
    if isinstance(error, Failure):
        return error
    return UnknownModel(str(error)) if isinstance(error, UnknownCard) else ModelsUnchanged(str(error))

"""Stands for `ModelChanges` in each of several fronts: the supervisor changes its models, and every front follows."""

from service.engine.served import ServedModels
from service.fronts.link import Link
from service.models.store import ModelCard


class FollowedModels:
    """A front's side. Raises what `ModelChanges` raises, and Draining where the supervisor is left already."""

    def __init__(self, link: Link, served: ServedModels) -> None:
        self._link = link
        self._served = served
        link.on_models = served.exchange
        link.until_unused = served.until_unused

    async def load(self, name: str) -> ModelCard:
        await self._ask("load", name)
        return self._served.catalogue.card(name)

    async def unload(self, name: str) -> None:
        await self._ask("unload", name)

    async def make_default(self, name: str) -> ModelCard:
        await self._ask("default", name)
        return self._served.catalogue.card(name)

    async def unload_idle(self, idle_s: float) -> None:
        """No model is ever idle: `SILHOUETTE_MODEL_IDLE_S` takes one front."""

    async def close(self) -> None:
        """What is under way is the supervisor's."""

    async def _ask(self, change: str, name: str) -> None:
        """By its answer all fronts have followed, this one as well."""
        await self._link.ask("change", change=change, name=name)

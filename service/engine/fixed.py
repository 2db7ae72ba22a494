"""Stands for `ModelChanges` where there are several fronts, which would have to change at the same moment."""

from typing import NoReturn

from service.errors import ModelsUnchanged
from service.models.store import ModelCard

WHY = "the service runs with SILHOUETTE_FRONTS above 1, and has the models that it was started with"


class FixedModels:
    """Refuses every change."""

    async def load(self, name: str) -> ModelCard:
        """Raises ModelsUnchanged, as all of these."""
        self._refuse()

    async def unload(self, name: str) -> None:
        self._refuse()

    async def make_default(self, name: str) -> ModelCard:
        self._refuse()

    async def unload_idle(self, idle_s: float) -> None:
        """No model is ever idle: `SILHOUETTE_MODEL_IDLE_S` takes one front."""

    async def close(self) -> None:
        """There is nothing under way."""

    def _refuse(self) -> NoReturn:
        raise ModelsUnchanged(WHY)

"""The engine of the service, in this process and its workers."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.files.errand import Errand
from service.cli.files.report import PhotoFailed, Stopped
from service.configuration_errors import ConfigurationError
from service.errors import Failure, NotReady
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from service.engine.pipeline import Pipeline
    from service.workers.plan import SegmenterFamilies


@dataclass(frozen=True)
class Local:
    """A Backend."""

    pipeline: "Pipeline"
    errand: Errand
    places: int

    async def answer(self, photo: bytes) -> bytes:
        from service.engine.request import Call, ImageRequest

        wanted = ImageRequest(self.errand.operation, self.errand.options, photo, self.errand.pictures)
        try:
            return (await self.pipeline.run(wanted, Call(deadline=math.inf))).body
        except NotReady as failure:
            raise Stopped(failure.detail) from failure
        except Failure as failure:
            raise PhotoFailed(failure.code, failure.detail) from failure


@asynccontextmanager
async def local_backend(errand: Errand, photo_count: int) -> AsyncIterator[Local]:
    """Loads the models that the errand needs. Raises ConfigurationError where they cannot be had."""
    names = _needed(read_settings(), errand)
    async with running_engine(names, photo_count) as (pipeline, places):
        yield Local(pipeline, errand, places)


@asynccontextmanager
async def running_engine(
    models: Sequence[str], photo_count: int, families: "SegmenterFamilies | None" = None
) -> AsyncIterator[tuple["Pipeline", int]]:
    """And how many photos it is worth working on at once. Raises ConfigurationError where a model cannot be had."""
    say(f"loading {' and '.join(models)}")
    from service.engine.engine import Engine
    from service.workers.machine import available_cores
    from service.workers.plan import built_in_families

    settings = read_settings(models=tuple(models), workers=workers_for(read_settings(), photo_count))
    engine = Engine.build(settings, families or built_in_families)
    async with engine.running(settings.drain_timeout_s) as pipeline:
        # As many as are computed, and one a core that is decoded or encoded.
        yield pipeline, engine.pool.places + available_cores()


def workers_for(settings: Settings, photo_count: int) -> int | None:
    """No more than there are photos on a CPU, where a lone photo gets every core as threads."""
    from service.workers.machine import available_cores
    from service.workers.plan import is_surely_cpu, most_cpu_workers

    if not is_surely_cpu(settings.device):
        return settings.workers
    return min(photo_count, settings.workers or min(available_cores(), most_cpu_workers()))


def _needed(settings: Settings, errand: Errand) -> tuple[str, ...]:
    """The names of the models that will be asked."""
    from service.models.catalogue import Catalogue
    from service.models.ensemble import BEST, Ensemble
    from service.models.store import ModelStore

    store, name = ModelStore(settings.model_store), errand.options.model
    if name and name != BEST:
        return (store.card(name).name,)
    try:
        model = errand.operation.choose_model(Catalogue(store.choose(settings.models)), errand.options)
    except Failure as failure:
        raise ConfigurationError(failure.detail) from failure
    return (model.outline.name, model.classes.name) if isinstance(model, Ensemble) else (model.name,)

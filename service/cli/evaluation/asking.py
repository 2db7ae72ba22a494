"""The service's own engine, in this process, for one or more models at once."""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.cli.console import say
from service.operations.operation import Operation
from service.operations.options import parse_options
from service.settings import read_settings

if TYPE_CHECKING:
    from service.engine.pipeline import Pipeline
    from service.engine.request import Answer
    from service.workers.plan import SegmenterFamilies


@dataclass(frozen=True)
class Asked:
    """Answers as any caller would get them."""

    pipeline: "Pipeline"
    places: int
    """How many pictures it is worth working on at once."""

    async def answer(self, operation: Operation[Any], given: Mapping[str, Any], model: str, photo: bytes) -> "Answer":
        """Raises Failure."""
        from service.engine.request import Call, ImageRequest

        options = parse_options(operation.options, {**given, "model": model})
        return await self.pipeline.run(ImageRequest(operation, options, photo), Call(deadline=math.inf))


@asynccontextmanager
async def engine_of(
    models: Sequence[str], pictures: int, families: "SegmenterFamilies | None" = None
) -> AsyncIterator[Asked]:
    """Raises ConfigurationError where a model cannot be had."""
    from service.cli.files.local import workers_for
    from service.engine.engine import Engine
    from service.workers.machine import available_cores
    from service.workers.plan import built_in_families

    say(f"loading {' and '.join(models)}")
    settings = read_settings()
    settings = read_settings(models=tuple(models), workers=workers_for(settings, pictures))
    engine = Engine.build(settings, families or built_in_families)
    async with engine.running(settings.drain_timeout_s) as pipeline:
        yield Asked(pipeline, engine.pool.places + available_cores())

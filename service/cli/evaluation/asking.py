"""The service's own engine, in this process, for one or more models at once."""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.cli.files.local import running_engine
from service.operations.operation import Operation
from service.operations.options import parse_options

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
    async with running_engine(models, pictures, families) as (pipeline, places):
        yield Asked(pipeline, places)

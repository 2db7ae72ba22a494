"""An operation on a picture that nobody waits for: how it is kept, and how it is done. Knows no HTTP."""

import asyncio
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.access.quotas import Allowance
from service.engine.pipeline import Pipeline
from service.engine.request import Answer, Call, ImageRequest
from service.fetch import Fetcher
from service.jobs import Advance, Done, Job, NewJob
from service.operations import OPERATIONS
from service.operations.operation import Operation
from service.operations.options import MEDIA_TYPES, Format, parse_options
from service.queue.admission import Admission
from service.queue.permit import Permit
from service.queue.schedule import Lane
from service.telemetry.tracing import asking, job_trace

if TYPE_CHECKING:
    from service.telemetry.otel import Trace, Tracing

KIND = "picture"
PHOTO = "image"
"""The file of a job's folder that has the photo; further pictures have the names that the operation has for them."""

RESULT = "result"

PEER = "jobs"
"""All jobs together share what one address may have of what is in flight."""


@dataclass(frozen=True)
class Deferred:
    """What is to be done with the picture in a job's folder."""

    operation: Operation[Any]
    given: Mapping[str, str]
    """The options, as their caller gave them."""
    accepted: Sequence[Format]
    """What the result may come in, best liked first."""
    url: str | None = None
    """Where the picture is to be fetched from; its pixels count for its owner's quota then, and not before."""
    traceparent: str = ""
    """The span of the request that asked for it."""

    def as_job(self, name: str = "") -> NewJob:
        """As a store keeps it."""
        kept = {
            "operation": self.operation.name,
            "options": dict(self.given),
            "accepted": list(self.accepted),
            "url": self.url,
        }
        return NewJob(KIND, kept, name, self.traceparent)

    def fetching(self, url: str) -> "Deferred":
        """The same with a picture from elsewhere."""
        return replace(self, url=url)

    @classmethod
    def of(cls, job: Job) -> "Deferred":
        kept = job.options
        operation = OPERATIONS[kept["operation"]]
        return cls(operation, kept["options"], kept["accepted"], kept["url"], job.traceparent)


def write_pictures(folder: Path, image: bytes, pictures: Mapping[str, bytes]) -> None:
    """Where `PictureJobs` looks for them."""
    for name, content in {PHOTO: image, **pictures}.items():
        (folder / name).write_bytes(content)


class PictureJobs:
    """Does them."""

    def __init__(
        self,
        pipeline: Pipeline,
        admission: Admission,
        fetcher: Fetcher,
        allowance_of: Callable[[str], Allowance | None],
        tracing: "Tracing | None" = None,
    ) -> None:
        self._pipeline = pipeline
        self._tracing = tracing
        self._fetcher = fetcher
        self._admission = admission
        self._allowance_of = allowance_of

    async def work(self, job: Job, _: Advance) -> Done:
        """Raises what `Pipeline.run` raises; QueueFull where there is no room for it now."""
        with job_trace(self._tracing, KIND, job.traceparent, {"silhouette.job": job.id}) as trace:
            return await self._work(job, trace)

    async def _work(self, job: Job, trace: "Trace | None") -> Done:
        deferred = Deferred.of(job)
        permit = self._admission.open(PEER)
        try:
            if deferred.url is not None:
                content = await self._fetched(deferred.url, permit, trace)
                await asyncio.to_thread((job.folder / PHOTO).write_bytes, content)
                permit.free_bytes()
            wanted = await asyncio.to_thread(_read, job.folder, deferred)
            permit.take_bytes(len(wanted.image) + sum(map(len, wanted.pictures.values())))
            call = Call(math.inf, Lane.BULK, deferred.accepted, permit)
            if trace is not None:
                call.watch.on_measured, call.watch.traceparent = trace.stage, trace.traceparent
            if deferred.url is not None:
                call.on_pixels = lambda count: self._charge(job.owner, count)
            answer = await self._pipeline.run(wanted, call)
            return await asyncio.to_thread(_write, job.folder, answer, call.cache)
        finally:
            permit.give_back()

    async def _fetched(self, url: str, permit: Permit, trace: "Trace | None") -> bytes:
        with asking(trace, "fetch") as headers:
            return await self._fetcher.fetch(url, permit, traceparent=headers.get("traceparent"))

    def _charge(self, owner: str, pixel_count: int) -> None:
        allowance = self._allowance_of(owner) if owner else None
        if allowance is not None:
            allowance.take_pixels(pixel_count)


def _read(folder: Path, deferred: Deferred) -> ImageRequest:
    operation = deferred.operation
    options = parse_options(operation.options, deferred.given)
    options = options.model_copy(update={"format": deferred.accepted[0]})
    names = [picture.name for picture in operation.pictures if (folder / picture.name).exists()]
    pictures = {name: (folder / name).read_bytes() for name in names}
    return ImageRequest(operation, options, (folder / PHOTO).read_bytes(), pictures)


def _write(folder: Path, answer: Answer, cache: str | None) -> Done:
    """The result has its name only once it is whole, and on disk."""
    result = folder / f"{RESULT}.{answer.format}"
    with (folder / "unfinished").open("wb") as file:
        file.write(answer.body)
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).replace(result)
    return Done(result.name, MEDIA_TYPES[answer.format], {**answer.facts(), "cache": cache})


def answer_in(job: Job) -> tuple[Answer, str | None]:
    """What is known of a result, without its bytes; and what `Call.cache` said."""
    facts = dict(job.notes)
    cache = facts.pop("cache")
    return Answer.of(b"", facts), cache

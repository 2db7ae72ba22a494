"""Runs one operation of the pipeline for a request, whichever contract the request came by."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fastapi import Request, Response

from service.api.exchange import exchange_of, while_connected
from service.api.state import Service
from service.engine.request import Answer, Call, ImageRequest, Stage
from service.operations.options import MEDIA_TYPES, Format
from service.telemetry.stopwatch import server_timing

Result = TypeVar("Result")

LARGE_BYTES = 262_144
"""More than this is taken apart, or put together, on a thread."""


async def by_size(size_bytes: int, work: Callable[..., Result], *given: object) -> Result:
    """What `work` makes of what is given, on a thread where that is large."""
    return work(*given) if size_bytes <= LARGE_BYTES else await asyncio.to_thread(work, *given)


async def run_operation(
    request: Request,
    service: Service,
    wanted: ImageRequest,
    accepted: Sequence[Format] = (),
    known: frozenset[str] = frozenset(),
    on_stage: Callable[[Stage], None] = lambda stage: None,
    charge: Callable[[int], None] | None = None,
) -> Answer:
    """The answer, with what the Gate found out about the request: its permit, deadline, lane and quota.

    `accepted` is what the result may come in, best liked first; empty: what the options say. `known` has the
    fingerprints of answers that the caller has; `on_stage` hears what begins. `charge` is told the pixels that the
    caller's key is to pay for; without it the key pays for all. The body has to be read before, for its last part
    brings the place.

    Raises ClientLeft where the client does, and what `Pipeline.run` raises.
    """
    exchange = exchange_of(request)
    charge = charge or exchange.charge_pixels
    call = Call(exchange.deadline, exchange.lane, accepted, exchange.permit, charge, known)
    call.on_stage = on_stage
    if exchange.trace is not None:
        call.watch.on_measured, call.watch.traceparent = exchange.trace.stage, exchange.trace.traceparent
    exchange.call, exchange.is_at_work = call, True
    try:
        exchange.answer = await while_connected(request, service.pipeline.run(wanted, call))
    finally:
        exchange.is_at_work = False
    return exchange.answer


async def run_one_of_several(
    request: Request, service: Service, wanted: ImageRequest, charge: Callable[[int], None] | None = None
) -> bytes:
    """As `run_operation`, of a request that wants several: their pictures are in memory one after the other."""
    try:
        return (await run_operation(request, service, wanted, charge=charge)).body
    finally:
        if permit := exchange_of(request).permit:
            permit.free_pixels()


def response_of(answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """The answer's own bytes, with `headers` beside those that say what made it."""
    told = {**answer_headers(answer), **(headers or {})}
    return Response(answer.body, media_type=MEDIA_TYPES[answer.format], headers=told)


def answer_headers(answer: Answer) -> dict[str, str]:
    """What made an answer, and where the time went."""
    return {
        "X-Model": answer.model,
        "X-Device": answer.device,
        "Server-Timing": server_timing(answer.elapsed_ms),
        **({} if answer.frames == 1 else {"X-Frames": str(answer.frames)}),
    }


def result_headers(answer: Answer, cache: str | None) -> dict[str, str]:
    """Of an operation's result by our own contract. `cache` is `hit`, `miss` or None, see `Call.cache`."""
    cached = {} if cache is None else {"X-Cache": cache}
    return {**answer_headers(answer), **tag_headers(answer.fingerprint), **cached, **_box_headers(answer)}


def tag_headers(fingerprint: str) -> dict[str, str]:
    """A weak tag: made of the same things, an answer may differ from another in the last bit of a rounded sum."""
    return {"ETag": f'W/"{fingerprint}"', "Vary": "Accept"}


def _box_headers(answer: Answer) -> dict[str, str]:
    if answer.box is None:
        return {}
    left, top, right, bottom = answer.box
    sides = {"Left": left, "Top": top, "Width": right - left, "Height": bottom - top}
    return {f"X-Foreground-{side}": str(pixels) for side, pixels in sides.items()}

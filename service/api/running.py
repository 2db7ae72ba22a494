"""Runs one job of the pipeline for a request, whichever contract the request came by."""

from collections.abc import Callable, Sequence

from fastapi import Request

from service.api.exchange import exchange_of, while_connected
from service.api.state import Service
from service.engine.pipeline import Answer, Call, Job, Stage
from service.operations.options import Format
from service.telemetry.log import server_timing


async def run_job(
    request: Request,
    service: Service,
    job: Job,
    accepted: Sequence[Format] = (),
    known: frozenset[str] = frozenset(),
    on_stage: Callable[[Stage], None] = lambda stage: None,
) -> Answer:
    """The answer, with what the Gate found out about the request: its permit, deadline, lane and quota.

    `accepted` is what the result may come in, best liked first; empty: what the options say. `known` has the
    fingerprints of answers that the caller has; `on_stage` hears what begins. The body has to be read before, for its
    last part brings the place.

    Raises ClientLeft where the client does, and what `Pipeline.run` raises.
    """
    exchange = exchange_of(request)
    call = Call(exchange.deadline, exchange.lane, accepted, exchange.permit, exchange.charge_pixels, known)
    call.on_stage = on_stage
    exchange.call, exchange.is_at_work = call, True
    try:
        exchange.answer = await while_connected(request, service.pipeline.run(job, call))
    finally:
        exchange.is_at_work = False
    return exchange.answer


def answer_headers(answer: Answer) -> dict[str, str]:
    """What made an answer, and where the time went."""
    return {
        "X-Model": answer.model,
        "X-Device": answer.device,
        "Server-Timing": server_timing(answer.elapsed_ms),
        **({} if answer.frames == 1 else {"X-Frames": str(answer.frames)}),
    }

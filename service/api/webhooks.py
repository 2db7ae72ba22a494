"""Tells those who asked for it, as soon as they can be reached, that a job or a batch has ended."""

import asyncio
import json
import logging
from datetime import UTC, datetime

from service.api.batches import BatchInfo
from service.api.jobs import JobInfo
from service.api.state import Service
from service.errors import FetchFailed, JobsAway, UnknownBatch, UnknownJob, UrlRefused
from service.jobs.deliveries import Delivery
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S = 1.0

AT_ONCE = 8
"""Deliveries that are on their way."""


async def deliver(service: Service) -> None:
    """Forever; of several processes those that do the jobs."""
    while True:
        await asyncio.sleep(LOOK_INTERVAL_S)
        try:
            if service.jobs.is_in_charge:
                await deliver_due(service)
        except JobsAway:  # which its store has told
            continue
        except Exception:  # what one of them meets must not be the end of all
            logger.exception("webhooks not delivered")


async def deliver_due(service: Service) -> None:
    """Those whose time has come. Nobody hears twice of one, unless the service dies between the word and the note."""
    store = service.jobs.store
    deliveries = await asyncio.to_thread(store.due, AT_ONCE)
    await asyncio.gather(*(_deliver(service, each) for each in deliveries))


async def _deliver(service: Service, delivery: Delivery) -> None:
    store = service.jobs.store
    try:
        body, traceparent = await asyncio.to_thread(_message, service, delivery)
        await service.webhooks.post(delivery.url, delivery.id, int(store.clock()), body, traceparent)
        outcome = "heard"
    except (UnknownJob, UnknownBatch):
        outcome = "forgotten"
    except (FetchFailed, UrlRefused) as failure:
        outcome = failure.detail
    if outcome in ("heard", "forgotten"):
        await asyncio.to_thread(store.forget, delivery)
    elif not await asyncio.to_thread(store.postpone, delivery):
        outcome = f"given up: {outcome}"
    logger.info("webhook", extra={FIELDS: {"webhook": delivery.id, "subject": delivery.subject, "outcome": outcome}})


def _message(service: Service, delivery: Delivery) -> tuple[bytes, str]:
    """The body, and the `traceparent` of whoever asked for the job.

    Raises UnknownJob or UnknownBatch where it is forgotten already.
    """
    store = service.jobs.store
    said: JobInfo | BatchInfo
    traceparent = ""
    try:
        job = store.get(delivery.subject, delivery.owner)
        kind, said, traceparent = f"job.{job.state}", JobInfo.of(job, service), job.traceparent
    except UnknownJob:
        kind, said = "batch.ended", BatchInfo.of(store.batch(delivery.subject, delivery.owner), service)
    message = {
        "type": kind,
        "timestamp": datetime.fromtimestamp(store.clock(), UTC).isoformat(),
        "data": said.model_dump(mode="json"),
    }
    return json.dumps(message).encode(), traceparent

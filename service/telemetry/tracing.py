"""Spans for those who know nothing of OpenTelemetry, which is imported when it is wanted, and not before."""

import contextlib
import logging
import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from service.configuration_errors import MissingExtra
from service.telemetry.stopwatch import Facts

if TYPE_CHECKING:
    from service.telemetry.otel import Trace, Tracing

logger = logging.getLogger(__name__)


def tracing_of(url: str | None) -> "Tracing | None":
    """None where nobody wants to know. Raises MissingExtra."""
    if url is None:
        return None
    try:
        from service.telemetry.otel import Tracing
    except ImportError as error:
        raise MissingExtra.of("otel", "SILHOUETTE_TRACES_URL", "opentelemetry") from error
    return Tracing(url)


def worker_tracing(url: str | None, identity: Facts) -> "Tracing | None":
    """That of a process which runs networks; `identity` tells it from others. None where nobody wants to know, and
    where its machine has no OpenTelemetry: then whoever asked tells of the run.
    """
    if url is None:
        return None
    try:
        from service.telemetry.otel import Tracing
    except ImportError:
        logger.warning("no spans from here: SILHOUETTE_TRACES_URL takes the extra `otel` on each node")
        return None
    return Tracing(url, {"host.name": socket.gethostname(), **identity})


@contextlib.contextmanager
def asking(trace: "Trace | None", stage: str) -> "Iterator[Mapping[str, str]]":
    """While another server is asked; the headers are for it, none where there is no trace."""
    if trace is None:
        yield {}
        return
    with trace.asking(stage) as headers:
        yield headers


@contextlib.contextmanager
def job_trace(tracing: "Tracing | None", kind: str, traceparent: str, facts: Facts) -> "Iterator[Trace | None]":
    """That of a job at work; None where there is none."""
    if tracing is None:
        yield None
        return
    with tracing.job(kind, traceparent, facts) as trace:
        yield trace

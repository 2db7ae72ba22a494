"""Spans for those who know nothing of OpenTelemetry, which is imported when it is wanted, and not before."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from service.configuration_errors import MissingExtra
from service.telemetry.stopwatch import Facts

if TYPE_CHECKING:
    from service.telemetry.otel import Trace, Tracing


def tracing_of(url: str | None) -> "Tracing | None":
    """None where nobody wants to know. Raises MissingExtra."""
    if url is None:
        return None
    try:
        from service.telemetry.otel import Tracing
    except ImportError as error:
        raise MissingExtra("SILHOUETTE_TRACES_URL takes OpenTelemetry: pip install 'silhouette[otel]'") from error
    return Tracing(url)


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

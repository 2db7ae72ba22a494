"""Spans by OpenTelemetry's SDK, which sends them in the background. Imported only where `SILHOUETTE_TRACES_URL` is set.

What else there is to choose, headers, certificates, sampler, name of the service, the SDK reads from `OTEL_*` itself.
Source of the names: OpenTelemetry's semantic conventions for HTTP, 1.23 and later, all of which are stable.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service import __version__
from service.telemetry.log import FIELDS
from service.telemetry.stopwatch import NO_FACTS, Facts, Measured

logger = logging.getLogger(__name__)

NS_PER_S = 1_000_000_000

WORKER_DELAY_MS = 500
"""So long a worker keeps its spans at most, unless `OTEL_BSP_SCHEDULE_DELAY` says otherwise: it may be killed at any
moment, and they with it.
"""

CLOSE_TIMEOUT_S = 2.0
"""For the spans of the last moments, when the service stops."""

_propagator = TraceContextTextMapPropagator()


class Trace:
    """The span of one request or one job, and those below it. Threads may share it. Times are time.monotonic()."""

    def __init__(self, tracer: Tracer, span: Span, epoch_s: float) -> None:
        """`epoch_s`: what to add for seconds since 1970."""
        self._tracer = tracer
        self._span = span
        self._context = set_span_in_context(span)
        self._epoch_s = epoch_s

    @property
    def trace_id(self) -> str | None:
        """None where `OTEL_SDK_DISABLED` says that there is none."""
        context = self._span.get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else None

    @property
    def traceparent(self) -> str:
        """For whoever goes on with this; empty where there is no trace."""
        return _headers(self._context).get("traceparent", "")

    def stage(self, measured: Measured) -> None:
        """A span below, of what is over."""
        if self._span.is_recording():
            _tell(self._tracer, self._context, measured, self._epoch_s)

    @contextlib.contextmanager
    def asking(self, stage: str) -> Iterator[dict[str, str]]:
        """A span below while another server is asked; the headers are for it."""
        with self._tracer.start_as_current_span(stage, self._context, SpanKind.CLIENT) as span:
            yield _headers(set_span_in_context(span))

    def end(self, name: str, facts: Facts, failure: str | None = None) -> None:
        """`failure`: what went wrong that is ours."""
        self._span.update_name(name)
        self._span.set_attributes(facts)
        if failure is not None:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class Tracing:
    """One for the whole service, and one for each of its workers. Threads may share it."""

    def __init__(self, url: str, worker: Facts | None = None) -> None:
        """`url` takes OTLP over HTTP: `http://collector:4318/v1/traces`. `worker` is what tells one from others, where
        this is a worker's: it sends early, and leaves it to the service to say that nobody hears.
        """
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it has a word for each batch that is not heard
        self._exporter = _Sender(url) if worker is None else OTLPSpanExporter(url)
        delay_ms = None if worker is None or "OTEL_BSP_SCHEDULE_DELAY" in os.environ else WORKER_DELAY_MS
        self._processor = BatchSpanProcessor(self._exporter, schedule_delay_millis=delay_ms)
        self._provider = TracerProvider(resource=_resource(worker or NO_FACTS), shutdown_on_exit=False)
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("silhouette", __version__)

    def request(self, method: str, headers: Mapping[str, str], arrived_s: float) -> Trace:
        """That of a request; where its headers name a span, it is below that one."""
        return self._begun(method, SpanKind.SERVER, arrived_s, _propagator.extract(headers))

    @contextlib.contextmanager
    def job(self, kind: str, traceparent: str, facts: Facts) -> Iterator[Trace]:
        """That of a job at work. It begins a trace of its own, as it may be tomorrow, with a link to whoever asked."""
        asked = get_current_span(_propagator.extract({"traceparent": traceparent})).get_span_context()
        links = [Link(asked)] if asked.is_valid else []
        trace = self._begun(f"job {kind}", SpanKind.CONSUMER, time.monotonic(), Context(), links)
        failure: str | None = "cancelled"
        try:
            yield trace
            failure = None
        except Exception as error:
            failure = getattr(error, "code", type(error).__name__)
            raise
        finally:
            trace.end(f"job {kind}", {**facts, **({"error.type": failure} if failure else {})}, failure)

    def shared(self, traceparents: Sequence[str], measured: Measured) -> None:
        """A span below each of these, which are other processes', of what was done for all of them at once."""
        epoch_s = _epoch_s()
        for traceparent in traceparents:
            _tell(self._tracer, _propagator.extract({"traceparent": traceparent}), measured, epoch_s)

    def flush(self) -> None:
        """Returns when all that has ended is sent, or could not be."""
        self._processor.force_flush()

    def close(self) -> None:
        """Sends what is there, for `CLOSE_TIMEOUT_S` at most."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_TIMEOUT_S)
        self._exporter.shutdown()  # wakes it up where it waits to try again

    def _begun(self, name: str, kind: SpanKind, began_s: float, context: Context, links: Sequence[Link] = ()) -> Trace:
        epoch_s = _epoch_s()
        span = self._tracer.start_span(name, context, kind, links=links, start_time=_ns(began_s, epoch_s))
        return Trace(self._tracer, span, epoch_s)


class _Sender(SpanExporter):
    """Says once that nobody hears it, and once that somebody does again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._exporter = OTLPSpanExporter(url)
        self._is_heard = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        is_heard = result is SpanExportResult.SUCCESS
        if is_heard != self._is_heard:
            self._is_heard = is_heard
            what = "traces are heard again" if is_heard else "traces are lost: nobody takes them"
            logger.log(logging.INFO if is_heard else logging.WARNING, what, extra={FIELDS: {"url": self._url}})
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _tell(tracer: Tracer, context: Context, measured: Measured, epoch_s: float) -> None:
    began_ns, ended_ns = _ns(measured.began_s, epoch_s), _ns(measured.ended_s, epoch_s)
    span = tracer.start_span(measured.stage, context, attributes=measured.facts, start_time=began_ns)
    span.end(ended_ns)


def _epoch_s() -> float:
    """What to add to time.monotonic() for seconds since 1970."""
    return time.time() - time.monotonic()


def _ns(at_s: float, epoch_s: float) -> int:
    return int((at_s + epoch_s) * NS_PER_S)


def _headers(context: Context) -> dict[str, str]:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context)
    return carrier


def _resource(identity: Facts) -> Resource:
    """`OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say it better than we do."""
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    name = {} if named else {"service.name": "silhouette"}
    return Resource.create({**name, **identity, "service.version": __version__, "process.pid": os.getpid()})

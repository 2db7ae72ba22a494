"""Spans without a service: nobody has to be there to take them."""

import sys
import time

import pytest

from service.configuration_errors import ConfigurationError, MissingExtra
from service.settings import read_settings
from service.telemetry.stopwatch import Measured, Stopwatch
from service.telemetry.tracing import asking, job_trace, tracing_of

NOBODY = "http://127.0.0.1:1/v1/traces"


def test_each_part_is_told_with_its_begin_and_end() -> None:
    heard: list[Measured] = []
    watch = Stopwatch()
    watch.on_measured = heard.append
    began_s = time.monotonic()
    with watch.measure("decode"):
        pass
    watch.add("queue", 250.0, ended_s=10.0)
    watch.add("infer", 5.0, facts={"silhouette.worker": 1})
    decode, queue, infer = heard
    assert began_s <= decode.began_s <= decode.ended_s <= time.monotonic()
    assert queue == Measured("queue", 9.75, 10.0)
    assert infer.ended_s - infer.began_s == pytest.approx(0.005)
    assert infer.facts == {"silhouette.worker": 1}
    assert {each.stage for each in heard} == set(watch.measured_ms)
    watch.add("matte", 5.0, is_told=True)
    assert watch.measured_ms["matte"] == 5.0
    assert len(heard) == 3


def test_where_nobody_listens_spans_are_lost_and_the_end_is_not() -> None:
    tracing = tracing_of(NOBODY)
    assert tracing is not None
    trace = tracing.request("GET", {}, time.monotonic())
    trace.stage(Measured("read", time.monotonic(), time.monotonic()))
    trace.end("GET /models", {"http.response.status_code": 200})
    tracing.close()
    tracing.request("GET", {}, time.monotonic()).end("GET /models", {})  # somebody is always later


def test_opentelemetrys_own_switch_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracing = tracing_of(NOBODY)
    assert tracing is not None
    trace = tracing.request("GET", {}, time.monotonic())
    assert (trace.trace_id, trace.traceparent) == (None, "")
    with tracing.job("picture", "", {}), asking(trace, "fetch") as headers:
        assert headers == {}
    trace.end("GET /models", {})
    tracing.close()


def test_without_an_address_there_is_nothing() -> None:
    assert read_settings().traces_url is None
    assert tracing_of(None) is None
    with job_trace(None, "picture", "", {}) as trace, asking(trace, "fetch") as headers:
        assert (trace, headers) == (None, {})


@pytest.mark.parametrize("url", ["localhost:4317", "grpc://localhost:4317"])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SILHOUETTE_TRACES_URL"):
        read_settings(traces_url=url)


def test_without_its_packages_the_service_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.delitem(sys.modules, "service.telemetry.otel", raising=False)
    with pytest.raises(MissingExtra, match=r"\.\[otel\]"):
        tracing_of(NOBODY)

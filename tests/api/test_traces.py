"""OpenTelemetry: what a collector sees of requests and jobs, by the protocol that it speaks."""

import base64
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from fastapi import FastAPI
from httpx2 import Response
from pydantic import SecretStr
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.api.state import Service
from service.settings import Settings
from service.telemetry.log import FIELDS
from tests.api.asking import PATIENCE_S, ended, problem_of
from tests.api.test_jobs import ASYNC
from tests.clients import ready_client
from tests.collector import Collector, Span, collecting
from tests.pictures import encoded, red_and_blue

PHOTO = encoded(red_and_blue())
SECRET = "sil_secret"
KEY = {"X-Api-Key": SECRET}
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "tracestate": "shop=7"}
SERVER, CLIENT, CONSUMER = 2, 3, 5
"""Kinds of spans, as the protocol numbers them."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting(PHOTO) as found:
        yield found


@pytest.fixture(scope="module")
def traced(settings: Settings, collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service with keys that sends its spans to the collector, and may fetch from it and tell it of jobs."""
    keys: Path = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(keys, [Key("shop", frozenset({"images"}), None, None, hash_of(SECRET))])
    opened = {
        "traces_url": collector.url,
        "keys_file": keys,
        "fetch": ("http",),
        "fetch_hosts": ("127.0.0.1",),
        "fetch_ports": range(65536),
        "fetch_private": ("127.0.0.0/8",),
        "webhook_origins": (collector.origin,),
        "webhook_secret": SecretStr("whsec_" + base64.b64encode(bytes(32)).decode()),
    }
    with ready_client(settings.model_copy(update=opened)) as running:
        yield running


def service_of(client: TestClient) -> Service:
    return cast(Service, cast(FastAPI, client.app).state.service)


def sent(client: TestClient) -> None:
    """All that has ended is at the collector."""
    tracing = service_of(client).tracing
    assert tracing is not None
    tracing.flush()


def cut(client: TestClient, path: str = "/remove-background", **headers: str) -> Response:
    return client.post(path, files={"image": ("photo.png", PHOTO, "image/png")}, headers={**KEY, **headers})


def span_of(collector: Collector, answer: Response) -> Span:
    id_ = answer.headers["X-Request-Id"]
    (found,) = [span for span in collector.spans if span.facts.get("silhouette.request_id") == id_]
    return found


def below(collector: Collector, span: Span) -> list[Span]:
    """As soon as the worker has told of its part."""
    until = time.monotonic() + PATIENCE_S
    while not any(stage.name == "infer" for stage in collector.below(span)):
        assert time.monotonic() < until
        time.sleep(0.02)  # polls
    return collector.below(span)


def test_a_request_is_a_span_with_what_is_known_of_it(traced: TestClient, collector: Collector) -> None:
    answer = cut(traced)
    assert answer.status_code == 200
    sent(traced)
    span = span_of(collector, answer)
    assert (span.name, span.kind, span.parent_id, span.is_error) == ("POST /remove-background", SERVER, "", False)
    assert span.facts == {
        "http.request.method": "POST",
        "http.route": "/remove-background",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "silhouette.request_id": answer.headers["X-Request-Id"],
        "silhouette.lane": "interactive",
        "silhouette.key": "shop",
        "silhouette.model": answer.headers["X-Model"],
        "silhouette.device": answer.headers["X-Device"],
    }
    assert collector.services == {"silhouette"}


def test_each_stage_that_the_answer_tells_of_is_a_span_below_with_the_same_time(
    traced: TestClient, collector: Collector
) -> None:
    answer = cut(traced)
    sent(traced)
    span = span_of(collector, answer)
    told = dict(part.split(";dur=") for part in answer.headers["Server-Timing"].split(", "))
    took: dict[str, float] = {}
    for stage in below(collector, span):
        took[stage.name] = took.get(stage.name, 0.0) + stage.ms
        assert stage.trace_id == span.trace_id
    assert set(took) == {"read", *told}
    for stage_name, ms in told.items():
        assert took[stage_name] == pytest.approx(float(ms), abs=0.06), stage_name


def test_the_run_of_the_network_is_told_by_the_process_that_it_was_in(traced: TestClient, collector: Collector) -> None:
    answer = cut(traced)
    sent(traced)
    span = span_of(collector, answer)
    (run,) = [stage for stage in below(collector, span) if stage.name == "infer"]
    assert run.facts == {
        "silhouette.model": answer.headers["X-Model"],
        "silhouette.device": answer.headers["X-Device"],
        "silhouette.batch_size": 1,
    }
    workers = [worker.pid for worker in service_of(traced).engine.pool.status()]
    assert (span.process["process.pid"], run.process["process.pid"] in workers) == (os.getpid(), True)
    assert run.process["host.name"] == socket.gethostname()


def test_a_request_is_below_the_span_of_whoever_asks(
    traced: TestClient, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.api.access_log"):
        answer = cut(traced, **CALLER)
    sent(traced)
    span = span_of(collector, answer)
    assert (span.trace_id, span.parent_id, span.state) == (TRACE_ID, PARENT_ID, "shop=7")
    assert TRACE_ID in {getattr(record, FIELDS, {}).get("trace_id") for record in caplog.records}


def test_a_line_of_the_log_names_the_trace_that_began_here(
    traced: TestClient, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.api.access_log"):
        answer = cut(traced)
    sent(traced)
    told = {getattr(record, FIELDS, {}).get("request_id"): getattr(record, FIELDS, {}) for record in caplog.records}
    assert told[answer.headers["X-Request-Id"]]["trace_id"] == span_of(collector, answer).trace_id


def test_whoever_does_not_want_to_be_traced_is_not(traced: TestClient, collector: Collector) -> None:
    """Nor is anybody else here asked to, as the next request shows."""
    unwanted = TRACE_ID[::-1]
    assert cut(traced, traceparent=f"00-{unwanted}-{PARENT_ID}-00").status_code == 200
    later = cut(traced)
    sent(traced)
    below(collector, span_of(collector, later))
    assert unwanted not in {span.trace_id for span in collector.spans}


def test_a_refusal_is_a_span_with_its_code_and_no_key_is_ever_sent(traced: TestClient, collector: Collector) -> None:
    nobody = traced.post("/remove-background", content=PHOTO, headers={"Content-Type": "image/png"})
    problem_of(nobody, 401, "missing_key")
    broken = traced.post("/segment", content=b"none", headers={**KEY, "Content-Type": "image/png"})
    door = traced.post("/sam2/segment_image", json={}, headers=KEY)
    sent(traced)
    told = [span_of(collector, answer) for answer in (nobody, broken, door)]
    assert [(span.facts["error.type"], span.is_error) for span in told] == [
        ("missing_key", False),
        ("unsupported_image", False),
        ("missing_image", False),
    ]
    assert told[2].facts["silhouette.door"] == "roboflow"
    assert not any(SECRET.encode() in body for body in collector.bodies)


def test_probes_and_files_of_the_page_are_none(traced: TestClient, collector: Collector) -> None:
    before = [span for span in collector.spans if span.kind == SERVER]
    for path in ("/livez", "/readyz", "/studio/main.js"):
        assert traced.get(path).status_code == 200
    sent(traced)
    assert [span for span in collector.spans if span.kind == SERVER] == before


def test_a_job_is_a_trace_with_a_link_to_the_request_and_its_webhook_names_that(
    traced: TestClient, collector: Collector
) -> None:
    before = len(collector.heard)
    accepted = cut(traced, **ASYNC, **{"X-Webhook-Url": f"{collector.origin}/job"})
    job = ended(traced, accepted, KEY)
    until = time.monotonic() + PATIENCE_S
    while len(collector.heard) == before:
        assert time.monotonic() < until
        time.sleep(0.02)  # polls
    sent(traced)
    request = span_of(collector, accepted)
    (span,) = [each for each in collector.spans if each.facts.get("silhouette.job") == job["id"]]
    assert (span.name, span.kind, span.links) == ("job picture", CONSUMER, [request.span_id])
    assert span.trace_id != request.trace_id
    assert {"decode", "infer", "encode"} <= {stage.name for stage in below(collector, span)}
    assert request.is_in(collector.heard[before].headers["traceparent"])


def test_a_server_that_a_picture_is_fetched_from_hears_of_the_trace(traced: TestClient, collector: Collector) -> None:
    before = len(collector.heard)
    asked = {"image": {"type": "url", "value": f"{collector.origin}/a.png"}}
    answer = traced.post("/sam2/segment_image", json=asked, headers={**KEY, **CALLER})
    assert answer.status_code == 200, answer.text
    form = {"operation": "remove-background", "url": f"{collector.origin}/b.png"}
    batch = traced.post(
        "/batches", files={"url": (None, form["url"])}, data={"operation": form["operation"]}, headers=KEY
    )
    (job,) = traced.get(batch.json()["jobs"], headers=KEY).json()
    until = time.monotonic() + PATIENCE_S
    while traced.get(f"/jobs/{job['id']}", headers=KEY).json()["state"] in ("queued", "running"):
        assert time.monotonic() < until
        time.sleep(0.02)  # polls
    sent(traced)
    (direct,) = [stage for stage in collector.below(span_of(collector, answer)) if stage.name == "fetch"]
    (later,) = [each for each in collector.spans if each.facts.get("silhouette.job") == job["id"]]
    (deferred,) = [stage for stage in collector.below(later) if stage.name == "fetch"]
    heard = {each.path: each.headers for each in collector.heard[before:]}
    assert (direct.kind, deferred.kind) == (CLIENT, CLIENT)
    assert direct.is_in(heard["/a.png"]["traceparent"])
    assert deferred.is_in(heard["/b.png"]["traceparent"])
    assert "tracestate" not in heard["/a.png"]


def test_a_collector_that_takes_nothing_is_said_once_and_harms_nobody(
    traced: TestClient, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            assert cut(traced).status_code == 200
            sent(traced)
        collector.status = 200
        assert cut(traced).status_code == 200
        sent(traced)
    said = [record.getMessage() for record in caplog.records if record.name != "service.api.access_log"]
    assert [line for line in said if "trace" in line.lower()] == [
        "traces are lost: nobody takes them",
        "traces are heard again",
    ]

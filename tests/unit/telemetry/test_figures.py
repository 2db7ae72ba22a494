"""Figures of several processes."""

import json

from service.telemetry.figures import added, from_json, lasting, rendered, to_json
from service.telemetry.metrics import Metrics, Snapshot, WorkerStatus


def metrics(worker_state: str, lag_s: float, *, ready: bool) -> Metrics:
    """Of one front with one request in flight, before a queue of three."""
    made = Metrics()
    lanes = {"interactive": 3}
    workers = [WorkerStatus(0, 1, worker_state, "cpu", 100, 7)]
    waits = {"interactive": lag_s}
    made.watch(
        lambda: Snapshot(lanes, 0.5, lanes, 2, waits, 1, 32, 1, 10, 20, 1000, lag_s, ready, workers, {"a": True})
    )
    made.request_seconds.labels("/segment").observe(0.3)
    return made


def lines(text: bytes) -> dict[str, float]:
    pairs = (line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_one_process_alone_says_the_same_as_before() -> None:
    alone = metrics("idle", 0.1, ready=True)
    assert lines(rendered(alone.figures())) == lines(alone.render())


def test_what_crosses_as_json_comes_out_as_it_was() -> None:
    figures = metrics("idle", 0.1, ready=True).figures()
    assert from_json(json.loads(json.dumps(to_json(figures)))) == figures


def test_counts_and_places_are_added_and_what_all_share_is_told_once() -> None:
    both = [metrics("idle", 0.1, ready=True).figures(), metrics("busy", 0.4, ready=False).figures()]
    told = lines(rendered(added(both)))
    assert told['silhouette_request_seconds_count{route="/segment"}'] == 2
    assert told['silhouette_request_seconds_bucket{le="0.5",route="/segment"}'] == 2
    assert (told["silhouette_permits"], told["silhouette_permits_in_use"]) == (64, 2)
    assert told['silhouette_queue_depth{lane="interactive"}'] == 3
    assert told['silhouette_rss_bytes{process="service"}'] == 2000
    assert told['silhouette_rss_bytes{process="worker-0"}'] == 100
    assert told['silhouette_worker_state{device="cpu",state="idle",worker="0"}'] == 1
    assert not any('state="busy"' in name for name in told)


def test_the_worst_of_them_stands_for_all() -> None:
    both = [metrics("idle", 0.1, ready=True).figures(), metrics("idle", 0.4, ready=False).figures()]
    told = lines(rendered(added(both)))
    assert told["silhouette_ready"] == 0
    assert told["silhouette_event_loop_lag_seconds"] == 0.4
    assert told['silhouette_expected_wait_seconds{lane="interactive"}'] == 0.4


def test_what_has_happened_outlives_who_has_counted_it() -> None:
    kept = lines(rendered(lasting(metrics("idle", 0.1, ready=True).figures())))
    assert kept['silhouette_request_seconds_count{route="/segment"}'] == 1
    assert not any(name.startswith(("silhouette_permits", "silhouette_rss")) for name in kept)

"""What `silhouette top` reads, from real text that the service's own metrics rendered."""

import math
from dataclasses import replace

import pytest

from service.api.access_log import PROBE_PATHS
from service.cli.top.scrape import PROBES, Histogram, NotSilhouette, Worker, compare, parse
from service.telemetry.metrics import Metrics, WorkerStatus
from tests.unit.cli.top_metrics import SNAPSHOT, answer, changes, scrape_of


def test_the_gauges_of_the_moment_are_read(metrics: Metrics) -> None:
    scrape = scrape_of(metrics, 7.0)
    assert (scrape.at_s, scrape.ready, scrape.oldest_wait_s, scrape.event_loop_lag_s) == (7.0, True, 1.5, 0.004)
    assert (scrape.permits_in_use, scrape.permits) == (9, 64)
    assert (scrape.bytes_in_flight, scrape.pixels_in_flight) == (12_000_000, 34_000_000)
    assert scrape.queue_depth == {"interactive": 5, "bulk": 2}
    assert scrape.service_rss_bytes == 200_000_000
    assert scrape.jobs == {"queued": 12, "running": 4}
    assert scrape.fronts == 1


def test_each_worker_is_read_with_its_state_and_its_memory(metrics: Metrics) -> None:
    assert scrape_of(metrics).workers == (
        Worker("0", "cuda:0", "busy", 700_000_000, 300_000_000),
        Worker("1", "cuda:0", "starting", 700_000_000, 300_000_000),
    )


def test_workers_come_in_the_order_of_their_numbers() -> None:
    metrics = Metrics()
    workers = [WorkerStatus(number, 1, "idle", "cpu", 1, 0) for number in (10, 9, 1)]
    metrics.watch(lambda: replace(SNAPSHOT, workers=workers))
    assert [worker.number for worker in scrape_of(metrics).workers] == ["1", "9", "10"]


def test_counters_are_read_by_their_causes(metrics: Metrics) -> None:
    metrics.restarts.labels("crash").inc(2)
    metrics.requeued.labels("hang").inc(3)
    metrics.abandoned.inc(4)
    metrics.inferred.labels("u2net").inc(5)
    counted = changes(metrics).counted
    assert (counted.restarts, counted.requeued) == ({"crash": 2}, {"hang": 3})
    assert counted.dropped == {"abandoned": 4, "expired": 0}
    assert counted.images == {"u2net": 5}


def test_failures_are_counted_by_status_and_reason_over_all_routes(metrics: Metrics) -> None:
    answer(metrics, 0.1)
    answer(metrics, 0.1, "503", "queue_full")
    answer(metrics, 0.1, "503", "queue_full", "/color-pop")
    answer(metrics, 0.1, "499", "disconnected")
    counted = changes(metrics).counted
    assert counted.failures == {"503 queue_full": 2, "disconnected": 1}
    assert counted.requests == 4


def test_the_probes_and_the_scrapes_are_not_work(metrics: Metrics) -> None:
    for probe in PROBES:
        answer(metrics, 0.001, "503", "not_ready", probe)
    counted = changes(metrics).counted
    assert (counted.requests, dict(counted.routes), dict(counted.failures)) == (0, {}, {})


def test_it_leaves_out_the_same_paths_as_the_log() -> None:
    assert set(PROBES) == set(PROBE_PATHS)


def test_rates_are_of_the_time_between_two_scrapes(metrics: Metrics) -> None:
    answer(metrics, 0.1)
    earlier = scrape_of(metrics, 100.0)
    for _ in range(10):
        answer(metrics, 0.1)
    since = compare(earlier, scrape_of(metrics, 104.0))
    assert since.seconds == 4.0
    assert since.counted.requests == 10
    assert since.per_s(since.counted.requests) == 2.5


def test_with_one_scrape_there_are_counts_but_no_rates(metrics: Metrics) -> None:
    answer(metrics, 0.1)
    since = changes(metrics)
    assert since.counted.requests == 1
    assert since.per_s(since.counted.requests) is None


def test_latencies_are_those_between_the_scrapes_and_not_older_ones(metrics: Metrics) -> None:
    for _ in range(100):
        answer(metrics, 20.0)
    earlier = scrape_of(metrics)
    answer(metrics, 0.07)
    since = compare(earlier, scrape_of(metrics, 1.0)).counted
    assert since.routes["/segment"].count == 1
    assert since.routes["/segment"].quantile(0.95) == pytest.approx(0.05 + 0.05 * 0.95)
    assert since.routes["/segment"].mean == pytest.approx(0.07)


def test_a_service_that_was_started_again_counts_from_zero(metrics: Metrics) -> None:
    for _ in range(50):
        answer(metrics, 0.1, "503", "queue_full")
    earlier = scrape_of(metrics)
    reborn = Metrics()
    reborn.watch(lambda: SNAPSHOT)
    answer(reborn, 0.1, "503", "queue_full")
    since = compare(earlier, scrape_of(reborn, 2.0)).counted
    assert since.requests == 1
    assert since.failures == {"503 queue_full": 1}
    assert since.routes["/segment"].count == 1


HISTOGRAM = Histogram((1.0, 2.0, 4.0, math.inf), (10, 30, 40, 50), 100.0)


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.1, 0.5), (0.2, 1.0), (0.4, 1.5), (0.6, 2.0), (0.7, 3.0), (0.8, 4.0), (0.81, math.inf), (1.0, math.inf)],
)
def test_a_quantile_is_interpolated_within_its_bucket(share: float, value: float) -> None:
    assert HISTOGRAM.quantile(share) == pytest.approx(value)


def test_a_quantile_skips_buckets_that_are_empty() -> None:
    assert Histogram((1.0, 2.0, 4.0, math.inf), (0, 0, 2, 2), 6.0).quantile(0.5) == 3.0


def test_an_empty_histogram_has_neither_quantiles_nor_a_mean() -> None:
    empty = HISTOGRAM.since(HISTOGRAM)
    assert (empty.quantile(0.5), empty.mean) == (None, None)


@pytest.mark.parametrize("text", ["", "<!DOCTYPE html><html>", '{"a": 1}', "up 1\n", "silhouette_ready 1\n"])
def test_the_answer_of_something_else_is_told_apart(text: str) -> None:
    with pytest.raises(NotSilhouette):
        parse(text, 0.0)


def test_metrics_with_other_labels_are_told_apart(metrics: Metrics) -> None:
    text = metrics.render().decode().replace("process=", "name=")
    with pytest.raises(NotSilhouette, match="process"):
        parse(text, 0.0)

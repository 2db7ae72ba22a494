"""What `silhouette top` reads and shows, from real text that the service's own metrics rendered."""

import io
import math
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from service.api.access_log import PROBE_PATHS
from service.cli.main import main
from service.cli.top.command import Away, read
from service.cli.top.frame import draw, draw_away
from service.cli.top.scrape import PROBES, Changes, Histogram, NotSilhouette, Scrape, Worker, compare, parse
from service.telemetry.figures import added, rendered
from service.telemetry.metrics import STAGE_BUCKETS_S, Metrics, Snapshot, WorkerStatus
from service.telemetry.stopwatch import STAGES

URL = "http://127.0.0.1:8000"

SNAPSHOT = Snapshot(
    queue_depth={"interactive": 5, "bulk": 2},
    oldest_wait_s=1.5,
    pixel_queue_depth={"interactive": 3, "bulk": 1},
    pixel_threads_busy=2,
    expected_wait_s={"interactive": 1.25, "bulk": 2.5},
    permits_in_use=9,
    permits=64,
    uploads=2,
    bytes_in_flight=12_000_000,
    pixels_in_flight=34_000_000,
    service_rss_bytes=200_000_000,
    event_loop_lag_s=0.004,
    ready=True,
    workers=[
        WorkerStatus(number, 4000 + number, state, "cuda:0", 700_000_000, 300_000_000)
        for number, state in enumerate(["busy", "starting"])
    ],
    models_loaded={"u2net": True, "selfie": False},
    jobs={"queued": 12, "running": 4},
)


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.watch(lambda: SNAPSHOT)
    return made


def answer(metrics: Metrics, seconds: float, status: str = "200", reason: str = "ok", route: str = "/segment") -> None:
    metrics.requests.labels(route, "u2net@1", status, reason, "").inc()
    metrics.request_seconds.labels(route).observe(seconds)


def scrape_of(metrics: Metrics, at_s: float = 0.0) -> Scrape:
    return parse(metrics.render().decode(), at_s)


def changes(metrics: Metrics) -> Changes:
    return compare(None, scrape_of(metrics))


def printed(frame: RenderableType) -> str:
    paper = io.StringIO()
    Console(file=paper, width=80).print(frame)
    return paper.getvalue()


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


def test_several_fronts_are_shown_and_those_that_ended_are_counted(metrics: Metrics) -> None:
    front = metrics.figures()
    of_two = parse(rendered(added([front, front, Metrics().figures()])).decode(), 0.0)
    assert of_two.fronts == 2
    assert "fronts        2" in printed(draw(URL, of_two, compare(None, of_two)))
    metrics.front_restarts.inc(3)
    text = printed(draw(URL, scrape_of(metrics), changes(metrics)))
    assert "fronts" not in text.partition("new request")[0]
    assert "front ended: replaced" in text


def test_a_picture_that_is_fetched_is_a_stage_like_the_others(metrics: Metrics) -> None:
    metrics.stage_seconds.labels("fetch").observe(0.25)
    metrics.stage_seconds.labels("read").observe(0.1)
    (head,) = [
        line for line in printed(draw(URL, scrape_of(metrics), changes(metrics))).splitlines() if "stage" in line
    ]
    assert head.split() == ["stage", "read", "fetch"]


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


def test_a_frame_says_everything_within_80_columns(metrics: Metrics) -> None:
    answer(metrics, 0.2, route="/replace-background")
    answer(metrics, 0.001, "503", "deadline_unreachable", "/replace-background")
    for stage in STAGES:
        metrics.stage_seconds.labels(stage).observe(12.34)
    metrics.restarts.labels("failed_start").inc()
    metrics.requeued.labels("model_failed").inc(3)
    metrics.inferred.labels("deeplab-voc").inc(4)
    metrics.batch_size.labels("deeplab-voc").observe(4)
    earlier = scrape_of(metrics)
    metrics.requeued.labels("model_failed").inc(2)
    metrics.inferred.labels("deeplab-voc").inc(8)
    metrics.batch_size.labels("deeplab-voc").observe(8)
    for stage in STAGES:
        metrics.stage_seconds.labels(stage).observe(12.34)
    answer(metrics, 0.2, route="/replace-background")
    later = scrape_of(metrics, 10.0)
    lines = printed(draw(URL, later, compare(earlier, later))).splitlines()
    shown = [" ".join(line.split()) for line in lines]
    assert max(map(len, lines)) <= 80
    assert shown[0] == f"silhouette {URL} ready"
    for line in (
        "requests 0.1/s 1 in the last 10 s",
        "in flight 9 of 64 12.0 MB 34.0 megapixels",
        "queue interactive 5 bulk 2 oldest wait 1.50 s",
        "pixels interactive 3 bulk 1 threads busy 2",
        "new request would wait 2.50 s",
        "event loop 4.0 ms late",
        "/replace-background 1 0.1 175 ms 242 ms",
        "stage read fetch wait decode resize queue infer matte compose encode",
        "mean" + " 12.3 s" * len(STAGES),
        "deeplab-voc unloaded 8 0.8 8.0",
        "selfie asleep 0 0.0 -",
        "u2net loaded 0 0.0 -",
        "0 cuda:0 busy 700 MB 300 MB",
        "1 cuda:0 starting 700 MB 300 MB",
        "service 200 MB",
        "worker ended: failed_start 1",
        "re-queued: model_failed 5 +2",
        "answered: 503 deadline_unreachable 1",
    ):
        assert line in shown


def test_a_service_that_is_not_ready_is_shown_as_such() -> None:
    metrics = Metrics()
    metrics.watch(lambda: replace(SNAPSHOT, ready=False))
    scrape = scrape_of(metrics)
    assert "NOT READY" in printed(draw(URL, scrape, compare(None, scrape))).splitlines()[0]


def test_what_takes_longer_than_the_last_bucket_is_only_known_to_be_longer(metrics: Metrics) -> None:
    answer(metrics, STAGE_BUCKETS_S[-1] + 1)
    scrape = scrape_of(metrics)
    assert "> 60 s" in printed(draw(URL, scrape, compare(None, scrape)))


def test_a_service_that_is_away_is_shown_as_such() -> None:
    shown = printed(draw_away("http://[::1]:8000", "[Errno 111] Connection refused", 2.0))
    assert "http://[::1]:8000  AWAY" in shown
    assert "[Errno 111] Connection refused" in shown
    assert "trying again every 2 s" in shown


def test_nobody_there_is_away() -> None:
    with pytest.raises(Away):
        read("http://127.0.0.1:1")


def test_once_says_in_one_line_that_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--once", "--url", "http://127.0.0.1:1/"])
    said = capsys.readouterr()
    assert end.value.code == 1
    assert said.out == ""
    assert said.err.startswith("silhouette: http://127.0.0.1:1 is away: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("url", ["nonsense", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://a:b:c"])
def test_an_address_that_cannot_be_one_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--once", "--url", url])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("silhouette: --url: ")


@pytest.mark.parametrize("interval", ["0", "-1", "soon", "nan"])
def test_an_interval_must_be_one(interval: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["top", "--interval", interval])
    assert end.value.code == 2
    assert "--interval" in capsys.readouterr().err

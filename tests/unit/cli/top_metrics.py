"""What a service counted, as text that its own metrics rendered."""

from service.cli.top.scrape import Changes, Scrape, compare, parse
from service.telemetry.metrics import Metrics, Snapshot, WorkerStatus

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


def answer(metrics: Metrics, seconds: float, status: str = "200", reason: str = "ok", route: str = "/segment") -> None:
    metrics.requests.labels(route, "u2net@1", status, reason, "").inc()
    metrics.request_seconds.labels(route).observe(seconds)


def scrape_of(metrics: Metrics, at_s: float = 0.0) -> Scrape:
    return parse(metrics.render().decode(), at_s)


def changes(metrics: Metrics) -> Changes:
    return compare(None, scrape_of(metrics))

"""What an operator can see: counters and histograms of requests, gauges of the queue and the workers.

Prometheus' text format. One registry per service, none for the process: two services in one test do not mix.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.telemetry.figures import Figures, figures_of

# From a selfie on a fast core (5 ms) to a queue that is about to time out.
STAGE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)

BEGIN_AT_ZERO: Mapping[str, Sequence[str]] = {
    "silhouette_requeued": ("crash", "hang", "poisoned", "memory", "model_failed"),
    "silhouette_worker_restarts": ("crash", "hang", "poisoned", "recycled", "models", "failed_start"),
    "silhouette_cache_lookups": ("hit", "miss"),
    "silhouette_connections_closed": ("idle", "malformed", "large_headers", "slow_headers", "too_many", "slow_reader"),
    "silhouette_stream_sessions_ended": ("disconnected",),
    "silhouette_stream_frames": ("answered", "dropped", "failed"),
}
"""By counter, the values of its label that are there from the start: or else Prometheus' `rate` would not see the first
of each, which has no earlier value to be compared with."""


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, as it is right now."""

    number: int
    pid: int
    state: str
    """starting, idle, busy or stopped"""
    device: str
    rss_bytes: int
    device_memory_bytes: int
    node: str = ""
    """The address of the machine that it is on; empty for this one."""


@dataclass(frozen=True)
class Snapshot:
    """The gauges of one moment."""

    queue_depth: Mapping[str, int]
    """Waiting tickets by lane."""
    oldest_wait_s: float
    pixel_queue_depth: Mapping[str, int]
    """Requests that wait for a pixel thread, or for room in memory, by lane."""
    pixel_threads_busy: int
    expected_wait_s: Mapping[str, float]
    """Of a request that came now, by lane."""
    permits_in_use: int
    permits: int
    uploads: int
    bytes_in_flight: int
    pixels_in_flight: int
    service_rss_bytes: int
    event_loop_lag_s: float
    ready: bool
    workers: list[WorkerStatus] = field(default_factory=list)
    models_loaded: Mapping[str, bool] = field(default_factory=dict)
    """By name, of those that are served: False where nobody has asked for it and workers gave it up."""
    jobs: Mapping[str, int] = field(default_factory=dict)
    """Those that wait or are at work, by state: queued, running."""
    job_deaths: int = 0
    """Jobs that were at work when their process or their machine died."""


class Metrics:
    """Counts things as they happen; `render` adds the gauges of the moment."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter(
            "silhouette_requests", "Requests answered.", "route", "model", "status", "reason", "door"
        )
        self.key_requests = self._counter("silhouette_key_requests", "Requests answered, by key.", "key", "status")
        self.request_seconds = self._histogram(
            "silhouette_request_seconds", "From arrival to answer, of requests that got a result.", "route"
        )
        self.stage_seconds = self._histogram("silhouette_stage_seconds", "Time in one stage of a request.", "stage")
        self.batch_size = Histogram(
            "silhouette_batch_size", "Images in a batch.", ["model"], buckets=BATCH_BUCKETS, registry=self._registry
        )
        self.inferred = self._counter("silhouette_inferred_images", "Images that a network answered.", "model")
        self.model_changes = self._counter(
            "silhouette_model_changes", "Models loaded, unloaded and the like, by outcome.", "change", "outcome"
        )
        self.routed = self._counter("silhouette_routed", "Requests that a canary answered.", "model", "canary")
        self.model_seconds = self._histogram(
            "silhouette_model_seconds", "From arrival to answer, of requests that got a result.", "model"
        )
        self.abandoned = self._counter("silhouette_abandoned", "Tickets whose client left before they ran.")
        self.expired = self._counter("silhouette_expired", "Tickets whose deadline came before they ran.")
        self.requeued = self._counter("silhouette_requeued", "Tickets that went back to the queue.", "cause")
        self.restarts = self._counter("silhouette_worker_restarts", "Workers that ended, by cause.", "cause")
        self.front_restarts = self._counter("silhouette_front_restarts", "Fronts that ended and were replaced.")
        self.cache = self._counter("silhouette_cache_lookups", "Answers looked up in the cache, by result.", "result")
        self.cache_bytes = Gauge("silhouette_cache_bytes", "Answers kept in the cache.", registry=self._registry)
        self.connections = Gauge("silhouette_connections", "Open HTTP connections.", registry=self._registry)
        self.connections_closed = self._counter("silhouette_connections_closed", "Connections we closed.", "reason")
        self.stream_sessions = Gauge("silhouette_stream_sessions", "Live sessions.", registry=self._registry)
        self.stream_sessions_ended = self._counter("silhouette_stream_sessions_ended", "Sessions, by end.", "reason")
        self.stream_frames = self._counter("silhouette_stream_frames", "Frames of live sessions.", "outcome")
        self.stream_frame_seconds = self._histogram(
            "silhouette_stream_frame_seconds", "From a frame's arrival until its result was sent."
        )

    def watch(self, look: Callable[[], Snapshot]) -> None:
        """From now on `render` includes what `look` sees."""
        self._registry.register(_Gauges(look))

    def render(self) -> bytes:
        return generate_latest(self._registry)

    def figures(self) -> Figures:
        """What `render` says, to be added to that of other processes."""
        return figures_of(self._registry.collect())

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        counter = Counter(name, help_, labels, registry=self._registry)
        for value in BEGIN_AT_ZERO.get(name, ()):
            counter.labels(value)
        return counter

    def _histogram(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(name, help_, labels, buckets=STAGE_BUCKETS_S, registry=self._registry)


class _Gauges(Collector):
    """Reads one snapshot per scrape, so that its numbers belong together."""

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        return []  # registering must not look: the service may not be running yet

    def collect(self) -> Iterable[Metric]:
        now = self._look()
        yield _gauge("silhouette_queue_depth", "Tickets that wait for a worker.", "lane", now.queue_depth)
        yield _plain("silhouette_oldest_wait_seconds", "How long the oldest ticket has waited.", now.oldest_wait_s)
        yield _gauge(
            "silhouette_pixel_queue_depth", "Requests that wait for a pixel thread.", "lane", now.pixel_queue_depth
        )
        yield _plain("silhouette_pixel_threads_busy", "Threads that work on pixels.", now.pixel_threads_busy)
        yield _gauge(
            "silhouette_expected_wait_seconds", "How long a new request would wait.", "lane", now.expected_wait_s
        )
        yield _plain("silhouette_permits_in_use", "Requests in flight.", now.permits_in_use)
        yield _plain("silhouette_permits", "Requests that may be in flight.", now.permits)
        yield _plain("silhouette_uploads", "Request bodies that are on their way.", now.uploads)
        yield _plain("silhouette_in_flight_bytes", "Request bodies and answers in memory.", now.bytes_in_flight)
        yield _plain("silhouette_in_flight_pixels", "Decoded pixels in memory.", now.pixels_in_flight)
        yield _plain("silhouette_event_loop_lag_seconds", "How late the event loop is.", now.event_loop_lag_s)
        yield _plain("silhouette_ready", "1 where /readyz answers 200.", now.ready)
        yield _plain("silhouette_fronts", "Processes that answer at this port.", 1)
        yield _gauge("silhouette_jobs", "Jobs that wait or are at work.", "state", now.jobs)
        yield CounterMetricFamily("silhouette_job_deaths", "Jobs whose process died.", value=now.job_deaths)
        yield _gauge("silhouette_model_loaded", "1 where workers have it.", "model", now.models_loaded)
        yield from _worker_gauges(now)


def _worker_gauges(now: Snapshot) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "silhouette_worker_state", "1 for the state it is in.", labels=["worker", "device", "state"]
    )
    rss = GaugeMetricFamily("silhouette_rss_bytes", "Resident memory.", labels=["process"])
    memory = GaugeMetricFamily(
        "silhouette_device_memory_bytes", "Allocated on the device.", labels=["worker", "device"]
    )
    node = GaugeMetricFamily("silhouette_worker_node", "1 for the machine it is on.", labels=["worker", "node"])
    rss.add_metric(["service"], now.service_rss_bytes)
    for worker in now.workers:
        state.add_metric([str(worker.number), worker.device, worker.state], 1)
        rss.add_metric([f"worker-{worker.number}"], worker.rss_bytes)
        if worker.node:
            node.add_metric([str(worker.number), worker.node], 1)
        memory.add_metric([str(worker.number), worker.device], worker.device_memory_bytes)
    return state, rss, memory, node


def _gauge(name: str, help_: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _plain(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_, value=value)

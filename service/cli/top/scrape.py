"""What /metrics says at one moment, and what happened between two of them. Knows neither HTTP nor the terminal."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

PROBES = ("/livez", "/readyz", "/startupz", "/metrics")
"""Not work, and asked so often, by this very command too, that they would hide what is."""

NO_ANSWER = "499"
"""The status of a request whose client left."""

DROPPED = ("abandoned", "expired")

Counts = Mapping[str, float]


@dataclass(frozen=True)
class Histogram:
    """How many were at most how long."""

    bounds: tuple[float, ...]
    """Of the buckets, upwards; the last one is infinite."""
    counts: tuple[float, ...]
    """Cumulative: each bucket counts the ones below it as well."""
    total: float
    """All values added up."""

    @property
    def count(self) -> float:
        return self.counts[-1]

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """What `share` of all values are below, as if each bucket were filled evenly; None where there are none.

        Infinite where it lies above the last finite bound: how far above, the buckets do not know.
        Source: Prometheus' histogram_quantile(), which says the last finite bound there.
        """
        if not self.count:
            return None
        rank = share * self.count
        index = next(place for place, count in enumerate(self.counts) if count >= rank)
        if math.isinf(self.bounds[index]):
            return math.inf
        lower, below = (self.bounds[index - 1], self.counts[index - 1]) if index else (0.0, 0.0)
        return lower + (self.bounds[index] - lower) * (rank - below) / (self.counts[index] - below)

    def since(self, earlier: "Histogram | None") -> "Histogram":
        if earlier is None or earlier.count > self.count:  # counted from zero: the service was started again
            return self
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        return Histogram(self.bounds, counts, self.total - earlier.total)


@dataclass(frozen=True)
class Worker:
    """One line of the table of workers."""

    number: str
    device: str
    state: str
    rss_bytes: float
    device_memory_bytes: float
    node: str = ""
    """Empty where it is the service's own machine."""


@dataclass(frozen=True)
class Counters:
    """What only ever grows. Counts are by name: of a failure, a cause, a route, a stage or a model."""

    requests: float = 0.0
    """Without the probes."""
    failures: Counts = field(default_factory=dict)
    """By status and reason: `503 queue_full`; a client that left has no status: `disconnected`."""
    restarts: Counts = field(default_factory=dict)
    front_restarts: Counts = field(default_factory=dict)
    """`replaced`, the only cause."""
    job_deaths: Counts = field(default_factory=dict)
    """`died`, the only cause: the process that was at work on them."""
    requeued: Counts = field(default_factory=dict)
    dropped: Counts = field(default_factory=dict)
    """Before they ran: `abandoned` by their client, or `expired`."""
    images: Counts = field(default_factory=dict)
    routes: Mapping[str, Histogram] = field(default_factory=dict)
    stages: Mapping[str, Histogram] = field(default_factory=dict)
    batches: Mapping[str, Histogram] = field(default_factory=dict)

    def since(self, earlier: "Counters") -> "Counters":
        """What was counted after `earlier`. A counter that fell was started again, from zero."""
        return Counters(
            requests=_difference(self.requests, earlier.requests),
            failures=_differences(self.failures, earlier.failures),
            restarts=_differences(self.restarts, earlier.restarts),
            front_restarts=_differences(self.front_restarts, earlier.front_restarts),
            job_deaths=_differences(self.job_deaths, earlier.job_deaths),
            requeued=_differences(self.requeued, earlier.requeued),
            dropped=_differences(self.dropped, earlier.dropped),
            images=_differences(self.images, earlier.images),
            routes=_those_since(self.routes, earlier.routes),
            stages=_those_since(self.stages, earlier.stages),
            batches=_those_since(self.batches, earlier.batches),
        )


@dataclass(frozen=True)
class Scrape:
    """The gauges and the counters of one moment."""

    at_s: float
    """When it was read, on any clock."""
    ready: bool
    permits_in_use: float
    permits: float
    bytes_in_flight: float
    pixels_in_flight: float
    queue_depth: Counts
    """Waiting tickets by lane."""
    oldest_wait_s: float
    pixel_queue_depth: Counts
    """Requests that wait for a pixel thread or for room in memory, by lane."""
    pixel_threads_busy: float
    expected_wait_s: Counts
    """Of a request that came now, by lane."""
    event_loop_lag_s: float
    service_rss_bytes: float
    models_loaded: Counts
    """By name: 1 where workers have it, 0 where it waits for somebody to ask."""
    jobs: Counts
    """Those that wait or are at work, by state."""
    fronts: float
    """Processes that answer; 1 where the service is one."""
    workers: tuple[Worker, ...]
    counters: Counters


@dataclass(frozen=True)
class Changes:
    """What was counted in the last seconds."""

    seconds: float | None
    """None where there is one scrape only: then `counted` is everything since the service started."""
    counted: Counters

    def per_s(self, count: float) -> float | None:
        return None if self.seconds is None else count / self.seconds


class NotSilhouette(ValueError):
    """The text is not what a Silhouette service says on /metrics."""


def parse(text: str, at_s: float) -> Scrape:
    """Raises NotSilhouette where the text is something else."""
    try:
        return _read(_Samples(text), at_s)
    except NotSilhouette:
        raise
    except (ValueError, KeyError) as error:  # no such format, or labels of another version
        raise NotSilhouette(f"its /metrics cannot be read: {error}") from error


def _read(samples: "_Samples", at_s: float) -> Scrape:
    rss = samples.by("silhouette_rss_bytes", "process")
    return Scrape(
        at_s=at_s,
        ready=bool(samples.value("silhouette_ready")),
        permits_in_use=samples.value("silhouette_permits_in_use"),
        permits=samples.value("silhouette_permits"),
        bytes_in_flight=samples.value("silhouette_in_flight_bytes"),
        pixels_in_flight=samples.value("silhouette_in_flight_pixels"),
        queue_depth=samples.by("silhouette_queue_depth", "lane"),
        oldest_wait_s=samples.value("silhouette_oldest_wait_seconds"),
        pixel_queue_depth=samples.by("silhouette_pixel_queue_depth", "lane"),
        pixel_threads_busy=samples.value("silhouette_pixel_threads_busy"),
        expected_wait_s=samples.by("silhouette_expected_wait_seconds", "lane"),
        event_loop_lag_s=samples.value("silhouette_event_loop_lag_seconds"),
        service_rss_bytes=rss.get("service", 0.0),
        models_loaded=samples.by("silhouette_model_loaded", "model"),
        jobs=samples.by("silhouette_jobs", "state"),
        fronts=samples.value("silhouette_fronts"),
        workers=_workers(samples, rss),
        counters=_counters(samples),
    )


def compare(earlier: Scrape | None, later: Scrape) -> Changes:
    """Without an earlier scrape: everything since the service started, and no rates."""
    if earlier is None:
        return Changes(None, later.counters)
    return Changes(later.at_s - earlier.at_s, later.counters.since(earlier.counters))


class _Samples:
    """Every sample of one scrape, by name."""

    def __init__(self, text: str) -> None:
        self._by_name: defaultdict[str, list[Sample]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._by_name[sample.name].append(sample)

    def __getitem__(self, name: str) -> list[Sample]:
        return self._by_name[name]

    def value(self, name: str) -> float:
        """Of a metric without labels. Raises NotSilhouette where there is none."""
        if not self[name]:
            raise NotSilhouette(f"its /metrics has no {name}: is it a Silhouette service?")
        return self[name][0].value

    def by(self, name: str, label: str) -> dict[str, float]:
        return self.sums(name, lambda labels: labels[label])

    def sums(self, name: str, key: Callable[[Mapping[str, str]], str]) -> dict[str, float]:
        """The values of all samples with one `key` added up."""
        sums: defaultdict[str, float] = defaultdict(float)
        for sample in self[name]:
            sums[key(sample.labels)] += sample.value
        return dict(sums)

    def histograms(self, name: str, label: str) -> dict[str, Histogram]:
        totals = self.by(f"{name}_sum", label)
        buckets: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for sample in self[f"{name}_bucket"]:
            buckets[sample.labels[label]].append((float(sample.labels["le"]), sample.value))
        return {value: _histogram(sorted(pairs), totals[value]) for value, pairs in buckets.items()}


def _histogram(pairs: list[tuple[float, float]], total: float) -> Histogram:
    return Histogram(tuple(bound for bound, _ in pairs), tuple(count for _, count in pairs), total)


def _counters(samples: _Samples) -> Counters:
    work = [sample for sample in samples["silhouette_requests_total"] if sample.labels["route"] not in PROBES]
    failures: defaultdict[str, float] = defaultdict(float)
    for sample in work:
        if sample.labels["reason"] != "ok":
            failures[_failure_name(sample.labels)] += sample.value
    routes = samples.histograms("silhouette_request_seconds", "route")
    return Counters(
        requests=sum(sample.value for sample in work),
        failures=dict(failures),
        front_restarts={"replaced": samples.value("silhouette_front_restarts_total")},
        job_deaths={"died": samples.value("silhouette_job_deaths_total")},
        restarts=_that_happened(samples.by("silhouette_worker_restarts_total", "cause")),
        requeued=_that_happened(samples.by("silhouette_requeued_total", "cause")),
        dropped={name: samples.value(f"silhouette_{name}_total") for name in DROPPED},
        images=samples.by("silhouette_inferred_images_total", "model"),
        routes={route: histogram for route, histogram in routes.items() if route not in PROBES},
        stages=samples.histograms("silhouette_stage_seconds", "stage"),
        batches=samples.histograms("silhouette_batch_size", "model"),
    )


def _that_happened(counts: Mapping[str, float]) -> dict[str, float]:
    return {cause: count for cause, count in counts.items() if count}


def _failure_name(labels: Mapping[str, str]) -> str:
    return labels["reason"] if labels["status"] == NO_ANSWER else f"{labels['status']} {labels['reason']}"


def _workers(samples: _Samples, rss: Counts) -> tuple[Worker, ...]:
    memory = samples.by("silhouette_device_memory_bytes", "worker")
    nodes = {sample.labels["worker"]: sample.labels["node"] for sample in samples["silhouette_worker_node"]}
    found = []
    for labels in (sample.labels for sample in samples["silhouette_worker_state"] if sample.value):
        number = labels["worker"]
        sizes = (rss.get(f"worker-{number}", 0.0), memory.get(number, 0.0))
        found.append(Worker(number, labels["device"], labels["state"], *sizes, nodes.get(number, "")))
    return tuple(sorted(found, key=lambda worker: int(worker.number)))


def _those_since(later: Mapping[str, Histogram], earlier: Mapping[str, Histogram]) -> dict[str, Histogram]:
    return {name: histogram.since(earlier.get(name)) for name, histogram in later.items()}


def _difference(later: float, earlier: float) -> float:
    return later if later < earlier else later - earlier


def _differences(later: Counts, earlier: Counts) -> Counts:
    return {name: _difference(count, earlier.get(name, 0.0)) for name, count in later.items()}

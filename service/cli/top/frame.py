"""How one frame looks: figures in, something for rich to print out. Fits 80 columns."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.cli.top.scrape import Changes, Counts, Histogram, Scrape
from service.telemetry.metrics import STAGE_BUCKETS_S
from service.telemetry.stopwatch import STAGES

FOOTNOTE = "p50 and p95 are estimates, interpolated within the buckets of a histogram."

STATE_STYLES = {"busy": "bold", "idle": "green", "starting": "yellow", "stopped": "red"}


def draw(url: str, scrape: Scrape, changes: Changes) -> RenderableType:
    """Everything there is to see."""
    window = "since it started" if changes.seconds is None else f"in the last {changes.seconds:.0f} s"
    ready = Text("ready", "bold green") if scrape.ready else Text("NOT READY", "bold red")
    return Group(
        _headline(url, ready),
        _in_flight(scrape, changes, window),
        *_spaced(
            _routes(changes),
            _stages(changes),
            _models(scrape, changes),
            _workers(scrape),
            _troubles(scrape, changes),
        ),
        Text(f"\n{FOOTNOTE}", "dim"),
    )


def draw_away(url: str, reason: str, interval_s: float) -> RenderableType:
    """The service cannot be reached, or is something else."""
    away = Text("AWAY", "bold red")
    return Group(_headline(url, away), Text(reason), Text(f"trying again every {interval_s:g} s", "dim"))


def _headline(url: str, state: Text) -> Text:
    return Text.assemble(("silhouette", "bold"), "  ", url, "  ", state)


def _spaced(*parts: RenderableType | None) -> Iterable[RenderableType]:
    """Those that have something to say, with an empty line above each."""
    for part in parts:
        if part is not None:
            yield Text()
            yield part


def _in_flight(scrape: Scrape, changes: Changes, window: str) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    rate = changes.per_s(changes.counted.requests)
    counted = f"{changes.counted.requests:.0f} {window}"
    permits = f"{scrape.permits_in_use:.0f} of {scrape.permits:.0f}"
    sizes = f"{scrape.bytes_in_flight / 1e6:.1f} MB   {scrape.pixels_in_flight / 1e6:.1f} megapixels"
    table.add_row("requests", counted if rate is None else f"{rate:.1f}/s   {counted}")
    table.add_row("in flight", f"{permits}   {sizes}")
    table.add_row("queue", f"{_lanes(scrape.queue_depth)}   oldest wait {_seconds(scrape.oldest_wait_s)}")
    table.add_row("pixels", f"{_lanes(scrape.pixel_queue_depth)}   threads busy {scrape.pixel_threads_busy:.0f}")
    if any(scrape.jobs.values()):
        table.add_row("jobs", _lanes(scrape.jobs))
    if scrape.fronts > 1:
        table.add_row("fronts", f"{scrape.fronts:.0f}")
    table.add_row("new request", f"would wait {_seconds(max(scrape.expected_wait_s.values(), default=0.0))}")
    table.add_row("event loop", f"{_seconds(scrape.event_loop_lag_s)} late")
    return table


def _lanes(depths: Counts) -> str:
    return "   ".join(f"{lane} {depth:.0f}" for lane, depth in depths.items())


def _routes(changes: Changes) -> Table | None:
    table = _table("route", "requests", "/s", "p50", "p95")
    for route, histogram in sorted(changes.counted.routes.items()):
        if histogram.count:
            rate = changes.per_s(histogram.count)
            quantiles = (_seconds(histogram.quantile(share)) for share in (0.5, 0.95))
            table.add_row(route, f"{histogram.count:.0f}", "-" if rate is None else f"{rate:.1f}", *quantiles)
    return table if table.row_count else None


def _stages(changes: Changes) -> Table | None:
    """Across, in the order in which a request goes through them; those that none went through are left out."""
    came = {stage: _mean(changes.counted.stages.get(stage)) for stage in STAGES}
    means = {stage: mean for stage, mean in came.items() if mean is not None}
    table = Table("stage", box=None, pad_edge=False, padding=(0, 0, 0, 1))  # or it would not fit into 80 columns
    for stage in means:
        table.add_column(stage, justify="right")
    table.add_row("mean", *map(_seconds, means.values()))
    return table if means else None


def _models(scrape: Scrape, changes: Changes) -> Table | None:
    """Those that are served, and those that were asked and are not served any more."""
    table = _table("model", "", "images", "/s", "images in a batch")
    images = changes.counted.images
    asked = {model for model, count in images.items() if count}
    for model in sorted(asked | scrape.models_loaded.keys()):
        count = images.get(model, 0.0)
        rate, batch = changes.per_s(count), _mean(changes.counted.batches.get(model))
        numbers = ("-" if number is None else f"{number:.1f}" for number in (rate, batch))
        table.add_row(model, _residence(scrape.models_loaded.get(model)), f"{count:.0f}", *numbers)
    return table if table.row_count else None


def _residence(loaded: float | None) -> Text:
    if loaded is None:
        return Text("unloaded", "dim")
    return Text("loaded", "green") if loaded else Text("asleep", "yellow")


def _workers(scrape: Scrape) -> Table:
    table = Table("worker", "device", "state", box=None, pad_edge=False)
    table.add_column("memory", justify="right")
    table.add_column("on the device", justify="right")
    for worker in scrape.workers:
        state = Text(worker.state, STATE_STYLES.get(worker.state, ""))
        on_device = "-" if worker.device == "cpu" else _megabytes(worker.device_memory_bytes)
        device = f"{worker.device} on {worker.node}" if worker.node else worker.device
        table.add_row(worker.number, device, state, _megabytes(worker.rss_bytes), on_device)
    table.add_row("service", "", "", _megabytes(scrape.service_rss_bytes), "")
    return table


def _troubles(scrape: Scrape, changes: Changes) -> Table | None:
    """Since the service started, and of those the new ones; the most frequent first."""
    table = _table("what went wrong", "in all", "new")
    total, new = scrape.counters, changes.counted
    rows: Sequence[tuple[str, Counts, Counts]] = (
        ("dropped", total.dropped, new.dropped),
        ("re-queued", total.requeued, new.requeued),
        ("worker ended", total.restarts, new.restarts),
        ("front ended", total.front_restarts, new.front_restarts),
        ("at work on a job", total.job_deaths, new.job_deaths),
        ("answered", total.failures, new.failures),
    )
    for what, counts, newest in rows:
        for cause in sorted(counts, key=lambda cause: -counts[cause]):
            if counts[cause]:
                fresh = newest[cause] if changes.seconds is not None else 0
                table.add_row(f"{what}: {cause}", f"{counts[cause]:.0f}", f"+{fresh:.0f}" if fresh else "")
    return table if table.row_count else None


def _table(first: str, *numbers: str) -> Table:
    """A column of names, and columns of numbers."""
    table = Table(first, box=None, pad_edge=False)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def _mean(histogram: Histogram | None) -> float | None:
    return None if histogram is None else histogram.mean


def _seconds(duration_s: float | None) -> str:
    if duration_s is None:
        return "-"
    if math.isinf(duration_s):
        return f"> {STAGE_BUCKETS_S[-1]:g} s"  # how much longer, the histogram does not know
    if duration_s >= 1:
        return f"{duration_s:.{1 if duration_s >= 10 else 2}f} s"
    return f"{duration_s * 1000:.0f} ms" if duration_s >= 0.01 else f"{duration_s * 1000:.1f} ms"


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:.0f} MB"

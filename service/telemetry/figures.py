"""The figures of several processes, added up to those of one service. Knows no process and no HTTP."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Family:
    """All samples of one metric."""

    kind: str
    """counter, gauge or histogram"""
    help: str
    samples: Mapping[tuple[str, Labels], float]
    """By the name of the sample and its labels."""


Figures = Mapping[str, Family]
"""By the name of the metric."""


def _first(one: float, other: float) -> float:
    return one


RULES: Mapping[str, Callable[[float, float], float]] = {
    "silhouette_queue_depth": _first,
    "silhouette_oldest_wait_seconds": _first,
    "silhouette_model_loaded": _first,
    "silhouette_expected_wait_seconds": max,
    "silhouette_event_loop_lag_seconds": max,
    "silhouette_jobs": max,
    "silhouette_ready": min,
}
"""Of gauges that are not added: what all tell of the same thing, and what is as good as the worst of them."""

OF_THE_WORKERS = ("silhouette_worker_state", "silhouette_worker_node", "silhouette_device_memory_bytes")
"""All tell of the same workers, maybe of different moments: those that are told first stand."""

LASTING = ("counter", "histogram")
"""What only ever grows: it has happened, whatever becomes of the process that has counted it."""

SERVICE = (("process", "service"),)


def figures_of(metrics: Iterable[Metric]) -> Figures:
    return {
        metric.name: Family(
            metric.type,
            metric.documentation,
            {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in metric.samples},
        )
        for metric in metrics
    }


def gauge(name: str, labels: Mapping[str, str], value: float) -> Figures:
    """One sample alone."""
    return {name: Family("gauge", "", {(name, tuple(sorted(labels.items()))): value})}


def added(all_figures: Sequence[Figures]) -> Figures:
    """As of one process that had done it all."""
    sums: dict[str, Family] = {}
    for figures in all_figures:
        for name, family in figures.items():
            if name not in sums:
                sums[name] = family
            elif name not in OF_THE_WORKERS:
                sums[name] = _joined(name, sums[name], family)
    return sums


def _joined(name: str, one: Family, other: Family) -> Family:
    samples = dict(one.samples)
    for key, value in other.samples.items():
        samples[key] = _rule(name, key)(samples[key], value) if key in samples else value
    return Family(one.kind, one.help, samples)


def _rule(name: str, key: tuple[str, Labels]) -> Callable[[float, float], float]:
    sample, labels = key
    if sample.endswith("_created"):
        return min
    if name == "silhouette_rss_bytes" and labels != SERVICE:  # of a worker
        return _first
    return RULES.get(name, operator.add)


def lasting(figures: Figures) -> Figures:
    """What stays when the process that counted it is gone."""
    return {name: family for name, family in figures.items() if family.kind in LASTING}


def to_json(figures: Figures) -> list[Any]:
    return [
        [name, family.kind, family.help, [[*key, value] for key, value in family.samples.items()]]
        for name, family in figures.items()
    ]


def from_json(families: Sequence[Any]) -> Figures:
    return {
        name: Family(kind, help_, {(sample, tuple(map(tuple, labels))): value for sample, labels, value in samples})
        for name, kind, help_, samples in families
    }


def rendered(figures: Figures) -> bytes:
    """In Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Told(figures))
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        for name, family in self._figures.items():
            metric = Metric(name, family.help, family.kind)
            for (sample, labels), value in family.samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric

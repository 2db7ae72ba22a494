"""What one evaluation found, as a table on the terminal and as JSON."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.cli.evaluation.gallery import Gallery
from service.cli.evaluation.measures import Figure, Measure, Scored


@dataclass
class ModelResult:
    """One model on one set."""

    name: str
    label: str = ""
    """As `X-Model` says it: name, version and precision."""
    scores: dict[str, Scored] = field(default_factory=dict)
    """By the pictures' names."""
    infer_ms: list[float] = field(default_factory=list)
    """In the network, a picture each."""

    def figures(self, measure: Measure) -> list[Figure]:
        in_network = statistics.median(self.infer_ms) if self.infer_ms else 0.0
        meaning = "median of a picture, on this machine"
        return [*measure.figures(list(self.scores.values())), Figure("ms in the network", in_network, meaning, False)]


@dataclass
class Evaluation:
    """One or two models on one set."""

    images: str
    masks: str
    asked: Mapping[str, Any]
    """The operation, and its options."""
    measure: Measure
    models: list[ModelResult]
    galleries: list[Gallery]

    def lines(self) -> list[tuple[Figure, list[float | None]]]:
        """Each figure of the first model that has it, and its value in every model."""
        of_models = [model.figures(self.measure) for model in self.models]
        values = [{figure.metric: figure.value for figure in figures} for figures in of_models]
        first = {figure.metric: figure for figures in reversed(of_models) for figure in figures}
        order = dict.fromkeys(figure.metric for figures in of_models for figure in figures)
        return [(first[metric], [of_model.get(metric) for of_model in values]) for metric in order]

    def pictures(self) -> list[str]:
        """Worst first."""
        names = self.models[0].scores
        return sorted(names, key=lambda name: min(model.scores[name].iou for model in self.models))

    def as_json(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "masks": self.masks,
            "asked": dict(self.asked),
            "models": [model.label for model in self.models],
            "figures": {
                figure.metric: {
                    "values": values,
                    "meaning": figure.meaning,
                    "higher_is_better": figure.higher_is_better,
                }
                for figure, values in self.lines()
            },
            "pictures": {name: [dict(model.scores[name].figures) for model in self.models] for name in self.pictures()},
        }

    def print(self) -> None:
        from rich.console import Console
        from rich.table import Table

        title = f"{len(self.models[0].scores)} pictures of {self.images}"
        table = Table("", *(model.label for model in self.models), "", title=title, box=None, title_justify="left")
        for figure, values in self.lines():
            table.add_row(figure.metric, *(told(value) for value in values), figure.meaning)
        Console().print(table)


def told(value: float | None) -> str:
    """As a person reads it."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value >= 2 else f"{value:.4f}"


def best_of(figure: Figure, values: Sequence[float | None]) -> int | None:
    """The index of the model that is better; None where there is one alone, or none is."""
    there = [value for value in values if value is not None]
    if len(there) < 2 or len(set(there)) == 1:
        return None
    best = max(there) if figure.higher_is_better else min(there)
    return list(values).index(best)

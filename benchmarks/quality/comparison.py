"""Several ways to a matte on the same pictures, their figures side by side. Knows neither pictures nor models."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.edges import BAND_PX, EdgeScore
from service.cli.console import say
from service.cli.evaluation.metrics import SubjectScore, summarise

TOLERATED_LOSS = 0.05
"""Of BF1: what a picture may lose against the baseline before it is named."""


@dataclass(frozen=True)
class Score:
    """One picture's matte, made in one way."""

    subject: SubjectScore
    edge: EdgeScore | None
    """None where the truth has no edge."""
    own_ms: float
    """Outside the network."""
    infer_ms: float
    """In the network, all passes together."""

    @property
    def bf1(self) -> float | None:
        return self.edge.bf1 if self.edge else None

    def figures(self) -> dict[str, float | None]:
        edge = {"BF1": self.edge.bf1, "BF2": self.edge.bf2, "edge": self.edge.error} if self.edge else {}
        subject = {"MAE": self.subject.absolute_error, "IoU": self.subject.overlap.iou}
        return {**edge, **subject, "own_ms": self.own_ms, "infer_ms": self.infer_ms}

    def caption(self) -> str:
        names = ("BF1", "BF2", "MAE", "IoU")
        return "  ".join(f"{name} {value:.2f}" for name, value in self.figures().items() if name in names)


@dataclass(frozen=True)
class Line:
    """One figure, of each way, and how to read it."""

    metric: str
    values: list[float]
    meaning: str
    decimals: int = 4


@dataclass
class Comparison:
    """All figures of one run."""

    dataset: str
    model: str
    threads: int
    reduced_to: int | None
    baseline: str
    ways: list[str]
    scores: dict[str, dict[str, Score]] = field(default_factory=dict)
    """Of each picture, of each way."""

    def lines(self) -> list[Line]:
        of_ways = [[picture[way] for picture in self.scores.values()] for way in self.ways]
        return [*_edge_lines(of_ways), *_subject_lines(of_ways), self._losers_line(), *self._time_lines(of_ways)]

    def losers(self, way: str) -> dict[str, float]:
        """The pictures that lose more BF1 against the baseline than is tolerated, and how much."""
        pairs = {name: (picture[self.baseline].bf1, picture[way].bf1) for name, picture in self.scores.items()}
        losses = {
            name: before - after for name, (before, after) in pairs.items() if before is not None and after is not None
        }
        return {name: loss for name, loss in losses.items() if loss > TOLERATED_LOSS}

    def print(self) -> None:
        from rich.console import Console
        from rich.table import Table

        reduction = f", reduced to {self.reduced_to} x {self.reduced_to}" if self.reduced_to else ""
        title = f"{self.model}{reduction}, on {len(self.scores)} pictures of {self.dataset}"
        table = Table("", *self.ways, "of", title=title, box=None, title_justify="left")
        for line in self.lines():
            table.add_row(line.metric, *[f"{value:.{line.decimals}f}" for value in line.values], line.meaning)
        Console().print(table)
        for way in self.ways:
            if losers := self.losers(way):
                say(f"{way} loses: {', '.join(f'{name} -{loss:.2f}' for name, loss in losers.items())}")

    def write(self, path: Path) -> None:
        """As JSON: the run, every figure of the table, and those of each picture."""
        figures = {line.metric: dict(zip(self.ways, line.values, strict=True)) for line in self.lines()}
        pictures = {name: {way: score.figures() for way, score in ways.items()} for name, ways in self.scores.items()}
        losers = {way: self.losers(way) for way in self.ways}
        run: dict[str, Any] = {key: value for key, value in vars(self).items() if key != "scores"}
        written = {**run, "figures": figures, "losers": losers, "pictures": pictures}
        path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")

    def _losers_line(self) -> Line:
        values = [float(len(self.losers(way))) for way in self.ways]
        return Line("losers", values, f"lose over {TOLERATED_LOSS} of BF1 to {self.baseline}", decimals=0)

    def _time_lines(self, of_ways: list[list[Score]]) -> list[Line]:
        own_ms = [_mean(score.own_ms for score in scores) for scores in of_ways]
        infer_ms = [_mean(score.infer_ms for score in scores) for scores in of_ways]
        percent = [100 * infer / (infer + own) for infer, own in zip(infer_ms, own_ms, strict=True)]
        return [
            Line("ms outside the network", own_ms, "from answer to matte", 1),
            Line("ms in the network", infer_ms, f"on {self.threads} threads", 1),
            Line("network's share", percent, "percent of both", 1),
        ]


def _edge_lines(of_ways: list[list[Score]]) -> list[Line]:
    edges = [[score.edge for score in scores if score.edge] for scores in of_ways]
    title = f"boundary F at 1 px, of {len(edges[0])} pictures"
    return [
        Line("BF1", [_mean(edge.bf1 for edge in way) for way in edges], title),
        Line("BF2", [_mean(edge.bf2 for edge in way) for way in edges], "at 2 px"),
        Line(
            "error at the edge",
            [_mean(edge.error for edge in way) for way in edges],
            f"of the matte within {BAND_PX} px",
        ),
    ]


def _subject_lines(of_ways: list[list[Score]]) -> list[Line]:
    summaries = [summarise([score.subject for score in scores]) for scores in of_ways]
    return [
        Line("MAE", [way.mean_absolute_error for way in summaries], "of the matte"),
        Line("mean IoU", [way.mean_iou for way in summaries], "of the mask at 0.5"),
        Line("max F-beta", [way.max_f_beta for way in summaries], "beta² 0.3"),
    ]


def _mean(values: Iterable[float]) -> float:
    """NaN where there are none."""
    found = list(values)
    return float(np.mean(found)) if found else float("nan")

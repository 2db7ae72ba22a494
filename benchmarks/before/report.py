"""The table of `benchmarks/before/compare.py`, for a terminal or as Markdown."""

import math
from collections.abc import Iterator

from rich.table import Table

from benchmarks.before.measures import MEASURES, Measure
from benchmarks.before.record import Record, median
from benchmarks.peers.results import CONSOLE, Goal

HEADINGS = ("", "base", "here", "ratio", "lowest to highest", "rounds", "goal")

Row = tuple[str, ...]


def goals(record: Record) -> list[Goal]:
    """Of what was measured of both builds."""
    found = ((measure, record.ratios(name)) for name, measure in MEASURES.items())
    return [_goal(measure, ratios) for measure, ratios in found if ratios]


def rows(record: Record) -> Iterator[Row]:
    for name, measure in MEASURES.items():
        base, here = (_text(median(record.of(name, here=here)), measure.digits) for here in (False, True))
        ratios = record.ratios(name)
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "-"
        goal = _goal(measure, ratios)
        reached = f"{'>=' if measure.at_least else '<='} {measure.goal:g}: {'met' if goal.met else 'missed'}"
        verdict = reached if ratios else "not measured"
        yield (measure.title, base, here, _text(goal.found, 2), spread, str(len(ratios)), verdict)


def print_record(record: Record, markdown: bool) -> None:
    if markdown:
        lines = [HEADINGS, ("---",) * len(HEADINGS), *rows(record)]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        CONSOLE.print(f"{record.circumstances}\n\n{text}\n", highlight=False, soft_wrap=True, markup=False)
    else:
        table = Table(*HEADINGS, title=record.circumstances, box=None, title_justify="left")
        for row in rows(record):
            table.add_row(*row)
        CONSOLE.print(table)
    for each in record.figures:
        if each.failure:
            text = f"FAILED  {each.build}, {each.kind}, round {each.round + 1}: {each.failure}"
            CONSOLE.print(text, markup=False, highlight=False, soft_wrap=True)


def _goal(measure: Measure, ratios: list[float]) -> Goal:
    return Goal(measure.title, median(ratios), measure.goal, measure.at_least)


def _text(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"

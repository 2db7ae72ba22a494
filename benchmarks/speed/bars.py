"""Stacked bars as an SVG picture, small enough to read as text, in colours for light and dark pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from xml.sax.saxutils import escape

WIDTH_PX = 860
LEFT_PX, RIGHT_PX = 100, 70
BAR_PX, STEP_PX = 26, 62
TOP_PX, BOTTOM_PX = 84, 30
MIN_LABEL_PX = 26
"""A part that is narrower has no room for its number; the line below the bar has them all."""
LEGEND_STEP_PX = 88

COLORS = ("#4e79a7", "#76b7b2", "#9c9c9c", "#e15759", "#edc948", "#59a14f", "#b07aa1", "#ff9da7", "#9c755f")
"""Of Tableau 10: told apart on white and on black."""

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .small { font-size: 11px; fill: #59636e } .part { font-size: 11px; fill: #111 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .part { fill: #111 } }
"""


@dataclass(frozen=True)
class Bar:
    """One request: what its parts are called and how long they take, in order."""

    title: str
    parts_ms: dict[str, float]

    @property
    def total_ms(self) -> float:
        return sum(self.parts_ms.values())


def draw(bars: Sequence[Bar], title: str, footnote: str) -> str:
    """All bars on one scale from 0 to the longest."""
    height = TOP_PX + STEP_PX * len(bars) + BOTTOM_PX
    colors = dict(zip(_names(bars), cycle(COLORS)))
    px_per_ms = (WIDTH_PX - LEFT_PX - RIGHT_PX) / max(bar.total_ms for bar in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        _text(10, 22, title, "title"),
        *_legend(colors),
    ]
    for number, bar in enumerate(bars):
        lines += _bar(bar, TOP_PX + number * STEP_PX, px_per_ms, colors)
    lines += [_text(10, height - 10, footnote, "small"), "</svg>"]
    return "\n".join(lines) + "\n"


def _names(bars: Sequence[Bar]) -> list[str]:
    return list(dict.fromkeys(name for bar in bars for name in bar.parts_ms))


def _legend(colors: dict[str, str]) -> Iterator[str]:
    for number, (name, color) in enumerate(colors.items()):
        x = LEFT_PX + number * LEGEND_STEP_PX
        yield f'<rect x="{x}" y="42" width="12" height="12" rx="2" fill="{color}"/>'
        yield _text(x + 17, 53, name)


def _bar(bar: Bar, top: int, px_per_ms: float, colors: dict[str, str]) -> Iterator[str]:
    baseline = top + BAR_PX - 8
    yield _text(10, baseline, bar.title)
    x = float(LEFT_PX)
    for name, ms in bar.parts_ms.items():
        width = ms * px_per_ms
        tooltip = f"<title>{escape(name)}: {ms:.1f} ms</title>"
        yield (
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{BAR_PX}" fill="{colors[name]}">{tooltip}</rect>'
        )
        if width >= MIN_LABEL_PX:
            yield _text(x + width / 2, baseline, f"{ms:.0f}", "part", "middle")
        x += width
    yield _text(x + 8, baseline, f"{bar.total_ms:.0f} ms")
    numbers = ", ".join(f"{name} {ms:.{int(ms < 10)}f}" for name, ms in bar.parts_ms.items())
    yield _text(LEFT_PX, top + BAR_PX + 15, numbers, "small")


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"' + (f' class="{kind}"' if kind else "")
    return f'<text {place} text-anchor="{anchor}">{escape(text)}</text>'

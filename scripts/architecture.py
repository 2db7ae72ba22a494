"""Draws `docs/architecture.svg` from the imports, so that it cannot lie: `make architecture`, or
`python -m scripts.architecture`.

A room is a package or a module right under `service/`. Rooms stand in the layers of the contract "imports point down"
in `pyproject.toml`, and say of themselves what their docstring says first. A count is of modules: how many times a
module of one room imports a module of the other. Imports of the version, in `service/__init__.py`, are not drawn.
"""

import ast
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import grimp

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURE = REPOSITORY / "docs" / "architecture.svg"
PACKAGE = "service"

LEFT, TOP, MARGIN = 318, 118, 24
"""Pixels: the right edge of the first box, the top of the first row, the space around all."""
ROW, COLUMN, BOX_HEIGHT, BOX_WIDTH = 62, 54, 52, 308
LETTERS = 44
"""That fit into a line of a box."""

FIRST_HUE, LAST_HUE = 255, 20
"""Degrees: from blue at the door to orange at the ground."""


SHAPES = """text { font: 11.5px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--quiet) }
.title { font-size: 22px; font-weight: 650; fill: var(--ink) }
.name { font-size: 15px; font-weight: 650; fill: var(--ink) }
.size { font-size: 11px; text-anchor: end }
.count { font-size: 11px; font-weight: 600; text-anchor: middle; fill: var(--on) }
.ground { fill: var(--ground) }
.storey { fill: var(--storey) }
.shaft { stroke: var(--shaft); stroke-width: 1.5; fill: none }
.tip { fill: var(--shaft) }
.line { stroke-width: 2; fill: none; opacity: .55 }
.box { stroke-width: 1.5 }"""
LIGHT = "--ink: #1c2733; --quiet: #586677; --on: #fff; --ground: #fff; --storey: #f4f6f9; --shaft: #a9b4c1"
DARK = "--ink: #eef2f7; --quiet: #a3b0bf; --on: #10161d; --ground: #12181f; --storey: #19212a; --shaft: #566475"
"""For a page of either kind. The ground is our own, so each is legible on the other as well."""


@dataclass(frozen=True)
class Room:
    """A package or a module right under `service/`."""

    name: str
    layer: int
    """0 is on top. Rooms of one layer do not import each other."""
    modules: int
    about: str


@dataclass(frozen=True)
class House:
    """The rooms, top-down, and how often each imports each other one."""

    rooms: Sequence[Room]
    imports: Mapping[tuple[str, str], int]
    """(importing room, imported room) -> count."""


def read_house() -> House:
    """As the code is now. Raises ValueError where a room stands in no layer."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    modules = sorted(module for module in graph.modules if module != PACKAGE)
    sizes = Counter(_room(module) for module in modules)
    layers = _layers()
    if strays := sizes.keys() - layers.keys():
        raise ValueError(f"in no layer of pyproject.toml: {', '.join(sorted(strays))}")
    rooms = [Room(name, layer, sizes[name], _about(name)) for name, layer in layers.items() if name in sizes]
    pairs = ((module, other) for module in modules for other in graph.find_modules_directly_imported_by(module))
    rooms_apart = ((_room(module), _room(other)) for module, other in pairs if other != PACKAGE)
    return House(rooms, Counter((room, other) for room, other in rooms_apart if room != other))


def _room(module: str) -> str:
    return module.split(".")[1]


def _layers() -> dict[str, int]:
    """Room -> its layer, in the order of the contract."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return {_room(name.strip()): index for index, layer in enumerate(layers) for name in layer.split("|")}


def _about(room: str) -> str:
    """The first sentence of its docstring, without backticks."""
    package = REPOSITORY / PACKAGE / room / "__init__.py"
    source = package if package.exists() else REPOSITORY / PACKAGE / f"{room}.py"
    told = ast.get_docstring(ast.parse(source.read_text())) or ""
    return " ".join(told.split()).split(". ")[0].rstrip(".").replace("`", "")


def draw(house: House) -> str:
    """The SVG. Each room's line goes right; a dot on it stands above the room that it imports."""
    width = LEFT + COLUMN * (len(house.rooms) - 1) + 2 * MARGIN
    height = TOP + ROW * len(house.rooms) + MARGIN
    places = {room.name: index for index, room in enumerate(house.rooms)}
    body = [
        *_storeys(house, width),
        *(_column(room, house, places) for room in house.rooms if _importers(room, house)),
        *(_row(room, house, places) for room in house.rooms),
        *(_box(room, places[room.name]) for room in house.rooms),
        *(_dot(room, imported, house, places) for room in house.rooms for imported in _imported(room, house)),
        *_legend(house, height),
    ]
    return "\n".join((_head(house, width, height), *body, "</svg>", ""))


def _importers(room: Room, house: House) -> list[str]:
    return [importer for importer, imported in house.imports if imported == room.name]


def _imported(room: Room, house: House) -> list[str]:
    return [imported for importer, imported in sorted(house.imports) if importer == room.name]


def _x(place: int) -> int:
    return LEFT + COLUMN * place


def _y(place: int) -> int:
    return TOP + ROW * place + ROW // 2


def _head(house: House, width: int, height: int) -> str:
    arrows = "; ".join(f"{room} imports {other}: {count}" for (room, other), count in sorted(house.imports.items()))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d">
<title id="t">The rooms of service/ and what they import</title>
<desc id="d">{escape(arrows)}</desc>
<style>
{_style(house)}
</style>
<rect class="ground" width="{width}" height="{height}" rx="14"/>
<text class="title" x="{MARGIN}" y="46">The rooms of service/</text>
<text class="about" x="{MARGIN}" y="68">and what they import, counted by modules; drawn from the code</text>"""


def _style(house: House) -> str:
    dark = "\n".join(_hues(house, fill=17, edge=50, dot=68))
    return "\n".join(
        (
            f"svg {{ {LIGHT} }}",
            SHAPES,
            *_hues(house, fill=96, edge=55, dot=42),
            f"@media (prefers-color-scheme: dark) {{\nsvg {{ {DARK} }}\n{dark}\n}}",
        )
    )


def _hues(house: House, fill: int, edge: int, dot: int) -> Iterator[str]:
    """The colours of each layer, by their lightness in percent."""
    lowest = max(room.layer for room in house.rooms)
    for layer in range(lowest + 1):
        hue = round(FIRST_HUE + (LAST_HUE - FIRST_HUE) * layer / max(1, lowest))
        yield (
            f".l{layer} .box {{ fill: hsl({hue} 40% {fill}%); stroke: hsl({hue} 45% {edge}%) }} "
            f".l{layer} .line {{ stroke: hsl({hue} 55% {edge}%) }} .l{layer} .dot {{ fill: hsl({hue} 50% {dot}%) }}"
        )


def _storeys(house: House, width: int) -> Iterator[str]:
    """Every second layer has a ground of its own; a layer of two rooms is one storey."""
    for layer in sorted({room.layer for room in house.rooms})[::2]:
        inside = [place for place, room in enumerate(house.rooms) if room.layer == layer]
        top, height = TOP + ROW * inside[0], ROW * len(inside)
        left = _x(inside[0]) + 14 - BOX_WIDTH - 12
        yield f'<rect class="storey" x="{left}" y="{top}" width="{width - left - 8}" height="{height}" rx="8"/>'


def _column(room: Room, house: House, places: Mapping[str, int]) -> str:
    """From its highest importer down into the room, its name above."""
    place = places[room.name]
    x, top, end = _x(place), _y(min(map(places.__getitem__, _importers(room, house)))), _y(place) - BOX_HEIGHT // 2
    return (
        f'<g><path class="shaft" d="M{x} {top}V{end - 6}"/><path class="tip" d="M{x - 5} {end - 8}h10l-5 8z"/>'
        f'<text transform="translate({x - 2} {top - 18}) rotate(-45)">{room.name}</text></g>'
    )


def _row(room: Room, house: House, places: Mapping[str, int]) -> str:
    """From the room to the furthest that it imports."""
    reached = [places[imported] for imported in _imported(room, house)]
    if not reached:
        return ""
    place = places[room.name]
    return f'<g class="l{room.layer}"><path class="line" d="M{_x(place) + 14} {_y(place)}H{_x(max(reached))}"/></g>'


def _box(room: Room, place: int) -> str:
    right, top = _x(place) + 14, _y(place) - BOX_HEIGHT // 2
    left = right - BOX_WIDTH
    lines = textwrap.wrap(room.about, LETTERS, max_lines=2, placeholder=" ...")
    texts = (f'<text x="{left + 10}" y="{top + 30 + 13 * i}">{escape(line)}</text>' for i, line in enumerate(lines))
    files = f"{room.modules} file{'s' if room.modules > 1 else ''}"
    return (
        f'<g class="l{room.layer}"><rect class="box" x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
        f'rx="7"/><text class="name" x="{left + 10}" y="{top + 17}">{room.name}</text>'
        f'<text class="size" x="{right - 10}" y="{top + 17}">{files}</text>{"".join(texts)}</g>'
    )


def _dot(room: Room, imported: str, house: House, places: Mapping[str, int]) -> str:
    x, y, count = _x(places[imported]), _y(places[room.name]), house.imports[room.name, imported]
    return (
        f'<g class="l{room.layer}"><title>{room.name} imports {imported}: {count}</title>'
        f'<circle class="dot" cx="{x}" cy="{y}" r="10"/><text class="count" x="{x}" y="{y + 4}">{count}</text></g>'
    )


def _legend(house: House, height: int) -> Iterator[str]:
    """In the corner that the stairs leave free."""
    total = sum(house.imports.values())
    lines = (
        f"{len(house.rooms)} rooms, {len(house.imports)} arrows, {total} imports.",
        "A room's line goes right; at a dot it imports the room",
        "to which the arrow leads, that many times.",
        "Rooms on one ground do not import each other.",
        "All arrows lead down: an import that led up",
        "would have its dot on the left of its room.",
    )
    for index, line in enumerate(lines):
        yield f'<text x="{MARGIN}" y="{height - MARGIN - 17 * (len(lines) - 1 - index)}">{line}</text>'


def main() -> int:
    PICTURE.write_text(draw(read_house()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Five wooden peg people: turned, painted, each with hair and clothes of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin

import bpy

from .materials import Color, bands, material, paint
from .shapes import Place, Solid, ball, box, disc, ring, sliced, turned

BODY = [
    (0, 0),
    (0.40, 0),
    (0.44, 0.03),
    (0.455, 0.12),
    (0.445, 0.4),
    (0.41, 0.75),
    (0.35, 1.05),
    (0.25, 1.2),
    (0.17, 1.26),
    (0.15, 1.34),
    (0, 1.36),
]
NECK = 1.26
HEAD_RADIUS = 0.42


@dataclass(frozen=True)
class Person:
    at: tuple[float, float]
    size: float
    skin: Color
    hair: Color
    style: str
    """A name in HAIR."""
    clothes: list[tuple[float, Color]]
    """Rings of paint: from each height on, as a share of the body's, its colour."""
    extra: str
    """A name in EXTRAS."""
    trim: Color


PEOPLE = [
    Person(
        at=(-1.55, 0.25),
        size=1.12,
        skin=(0.70, 0.42, 0.27),
        hair=(0.035, 0.018, 0.01),
        style="short",
        clothes=[(0, (0.03, 0.05, 0.11)), (0.36, (0.04, 0.19, 0.30))],
        extra="buttons",
        trim=(0.85, 0.75, 0.55),
    ),
    Person(
        at=(-0.72, -0.35),
        size=0.98,
        skin=(0.62, 0.34, 0.2),
        hair=(0.16, 0.05, 0.015),
        style="long",
        clothes=[(0, (0.62, 0.10, 0.07)), (0.10, (0.8, 0.7, 0.55)), (0.15, (0.62, 0.10, 0.07))],
        extra="scarf",
        trim=(0.83, 0.62, 0.2),
    ),
    Person(
        at=(0.12, 0.42),
        size=1.2,
        skin=(0.16, 0.07, 0.035),
        hair=(0.012, 0.01, 0.01),
        style="curls",
        clothes=[(0, (0.22, 0.42, 0.58)), (0.34, (0.85, 0.58, 0.10))],
        extra="buttons",
        trim=(0.1, 0.05, 0.03),
    ),
    Person(
        at=(0.78, -0.5),
        size=0.72,
        skin=(0.74, 0.46, 0.31),
        hair=(0.50, 0.24, 0.05),
        style="bun",
        clothes=[(0, (0.06, 0.26, 0.17)), (0.12, (0.75, 0.72, 0.6)), (0.2, (0.06, 0.26, 0.17))],
        extra="collar",
        trim=(0.85, 0.8, 0.7),
    ),
    Person(
        at=(1.62, 0.1),
        size=1.08,
        skin=(0.66, 0.38, 0.25),
        hair=(0.42, 0.40, 0.38),
        style="hat",
        clothes=[
            (0, (0.05, 0.04, 0.04)),
            (0.3, (0.25, 0.06, 0.16)),
            (0.42, (0.45, 0.2, 0.32)),
            (0.5, (0.25, 0.06, 0.16)),
        ],
        extra="scarf",
        trim=(0.12, 0.22, 0.34),
    ),
]


def build() -> None:
    for number, person in enumerate(PEOPLE):
        _Peg(person, number).make()


class _Peg:
    """One of them. Lengths below are of a person of size 1."""

    def __init__(self, person: Person, number: int):
        self.person, self.number = person, number
        self.head_z = NECK + HEAD_RADIUS * 0.86
        self.hair = paint(f"Hair {number}", person.hair, 0.4)

    def make(self) -> None:
        person = self.person
        clothes = bands(paint(f"Clothes {self.number}", person.clothes[0][1]), person.clothes)
        turned([(radius * person.size, height * person.size) for radius, height in BODY], (*person.at, 0), clothes)
        self._ball(HEAD_RADIUS, (0, 0, self.head_z), paint(f"Skin {self.number}", person.skin, 0.38))
        self._face()
        HAIR[person.style](self)
        EXTRAS[person.extra](self)

    def _place(self, at: Place) -> Place:
        (x, y), size = self.person.at, self.person.size
        return (x + at[0] * size, y + at[1] * size, at[2] * size)

    def _ball(self, radius: float, at: Place, of: bpy.types.Material, scale: Place = (1, 1, 1)) -> Solid:
        return ball(radius * self.person.size, self._place(at), of, scale)

    def _on_head(self, across: float, up: float, out: float = 1.0) -> Place:
        """A place on the face: `across` and `up` are angles in radians from its middle."""
        radius = HEAD_RADIUS * out
        return (radius * sin(across) * cos(up), -radius * cos(across) * cos(up), self.head_z + radius * sin(up))

    def _face(self) -> None:
        black = material("Eye", (0.006, 0.005, 0.005), Roughness=0.15, Coat_Weight=1.0)
        blush = paint(
            "Cheek",
            tuple(0.8 * channel + 0.2 * red for channel, red in zip(self.person.skin, (0.9, 0.1, 0.08), strict=True)),
        )
        for side in (-1, 1):
            self._ball(0.043, self._on_head(0.36 * side, 0.05), black, (1, 0.5, 1.15))
            self._ball(0.07, self._on_head(0.62 * side, -0.2, 0.928), blush, (1, 0.6, 0.8))
        for step in range(-6, 7):
            across = 0.036 * step
            self._ball(0.013, self._on_head(across, -0.36 + 0.9 * across**2), black)

    def _cap(self, forehead: float, slant: float) -> None:
        """Hair all over the head but the face. Both are angles in radians: of its line on the forehead above the eyes'
        height, and of the cut behind it from upright."""
        radius = HEAD_RADIUS * 1.07
        line = (0, -radius * cos(forehead), radius * sin(forehead))
        shell = self._ball(radius, (0, 0.012, self.head_z + 0.012), self.hair)
        size = self.person.size
        sliced(shell, tuple(size * each for each in line), (0, -cos(slant), -sin(slant)))

    def short(self) -> None:
        self._cap(0.72, 0.85)

    def long(self) -> None:
        self._cap(0.66, 0.35)
        self._ball(0.4, (0, 0.16, self.head_z - 0.26), self.hair, (1.06, 0.72, 1.1))

    def bun(self) -> None:
        self._cap(0.66, 0.6)
        for side in (-1, 1):
            self._ball(0.17, (0.3 * side, 0.08, self.head_z + 0.4), self.hair)

    def curls(self) -> None:
        self._cap(0.7, 0.6)
        for row, (up, count) in enumerate(((0.55, 13), (0.85, 11), (1.15, 8), (1.5, 3))):
            for step in range(count):
                across = 2 * pi * (step + 0.5 * (row % 2)) / count
                self._ball(0.115, self._on_head(across, up, 1.06), self.hair)
        for up in (-0.25, 0.05, 0.3):
            for step in range(7):
                self._ball(0.115, self._on_head(pi + (step - 3) * 0.38, up, 1.05), self.hair)

    def hat(self) -> None:
        self._cap(0.3, 0.8)
        felt = paint("Felt", (0.07, 0.075, 0.085), 0.75)
        size = self.person.size
        z = self.head_z + 0.2
        disc(0.58 * size, 0.05 * size, self._place((0, 0, z)), felt, 0.02, (-0.06, 0, 0))
        disc(0.39 * size, 0.36 * size, self._place((0, 0, z + 0.18)), felt, 0.09, (-0.06, 0, 0))
        ring(
            0.392 * size,
            0.03 * size,
            self._place((0, 0, z + 0.06)),
            paint("Ribbon", (0.5, 0.09, 0.07)),
            (-0.06, 0, 0),
            (1, 1, 1.6),
        )

    def buttons(self) -> None:
        trim = paint(f"Button {self.number}", self.person.trim)
        for up, out in ((0.62, 0.43), (0.78, 0.405), (0.94, 0.375)):
            self._ball(0.035, (0, -out, up), trim, (1, 0.5, 1))

    def scarf(self) -> None:
        wool = paint(f"Scarf {self.number}", self.person.trim, 0.8)
        size = self.person.size
        ring(0.235 * size, 0.085 * size, self._place((0, 0, NECK - 0.06)), wool, (0.06, 0, 0))
        box(
            (0.16 * size, 0.07 * size, 0.42 * size),
            self._place((0.12, -0.38, NECK - 0.3)),
            wool,
            0.03 * size,
            (-0.2, 0, 0.15),
        )

    def collar(self) -> None:
        size = self.person.size
        ring(
            0.24 * size,
            0.055 * size,
            self._place((0, 0, NECK - 0.04)),
            paint(f"Collar {self.number}", self.person.trim),
        )
        for up in (0.55, 0.72, 0.89):
            self._ball(
                0.03, (0, -0.43 + 0.1 * (up - 0.5), up), paint(f"Pearl {self.number}", self.person.trim), (1, 0.6, 1)
            )


HAIR: dict[str, Callable[[_Peg], None]] = {
    "short": _Peg.short,
    "long": _Peg.long,
    "bun": _Peg.bun,
    "curls": _Peg.curls,
    "hat": _Peg.hat,
}
EXTRAS: dict[str, Callable[[_Peg], None]] = {"buttons": _Peg.buttons, "scarf": _Peg.scarf, "collar": _Peg.collar}

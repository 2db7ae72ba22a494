"""A little wooden car: a sawn and painted body, dark panes, rubber tyres on wooden hubs."""

from math import atan2, hypot, pi

from .materials import material, paint, wood
from .shapes import ball, box, cut, disc, sawn

AXLES = (-1.12, 1.08)
WHEEL_RADIUS = 0.47
WIDE = 1.72
LOWER = [(-2.0, 0.4), (2.06, 0.4), (2.08, 0.95), (1.96, 1.1), (0.86, 1.24), (-1.9, 1.26), (-2.06, 1.1)]
CABIN = [(-1.72, 1.18), (1.02, 1.18), (0.42, 1.94), (0.2, 2.02), (-1.1, 2.02), (-1.36, 1.92)]


def build() -> None:
    red = paint("Red", (0.47, 0.028, 0.018))
    cream = paint("Cream", (0.78, 0.70, 0.54))
    body = sawn(LOWER, WIDE, red, 0.15)
    for axle in AXLES:
        for side in (-1, 1):
            arch = disc(WHEEL_RADIUS + 0.1, 0.62, (axle, side * WIDE / 2, 0.46), red, 0)
            cut(body, arch)
    sawn(CABIN, WIDE - 0.34, cream, 0.11)
    _panes()
    _wheels()
    _trim()


def _panes() -> None:
    glass = material("Pane", (0.012, 0.02, 0.028), Roughness=0.06, Coat_Weight=1.0, Specular_IOR_Level=0.7)
    beside = (WIDE - 0.34) / 2
    front = [(0.08, 1.32), (0.78, 1.32), (0.36, 1.86), (0.08, 1.88)]
    back = [(-1.44, 1.32), (-0.06, 1.32), (-0.06, 1.88), (-1.06, 1.88), (-1.24, 1.80)]
    for side in (-1, 1):
        for outline in (front, back):
            sawn(outline, 0.05, glass, 0.022, across=side * (beside + 0.004))
    for (x0, z0), (x1, z1) in (((1.02, 1.18), (0.42, 1.94)), ((-1.72, 1.18), (-1.36, 1.92))):
        long, lean = hypot(x1 - x0, z1 - z0), atan2(x1 - x0, z1 - z0)
        middle = ((x0 + x1) / 2, 0, (z0 + z1) / 2 + 0.02)
        box((0.06, WIDE - 0.64, long - 0.26), middle, glass, 0.025, (0, lean, 0))


def _wheels() -> None:
    rubber = material("Tyre", (0.018, 0.018, 0.019), Roughness=0.55)
    hub = wood("Beech", (0.42, 0.24, 0.11), (0.66, 0.45, 0.25), (5, 5, 1.2))
    steel = material("Steel", (0.62, 0.62, 0.64), Metallic=1, Roughness=0.22)
    for axle in AXLES:
        for side in (-1, 1):
            y = side * (WIDE / 2 - 0.1)
            disc(WHEEL_RADIUS, 0.36, (axle, y, WHEEL_RADIUS), rubber, 0.09)
            disc(WHEEL_RADIUS * 0.64, 0.4, (axle, y, WHEEL_RADIUS), hub, 0.04)
            ball(0.085, (axle, y + side * 0.2, WHEEL_RADIUS), steel, (1, 0.6, 1))


def _trim() -> None:
    steel = material("Chrome", (0.75, 0.75, 0.77), Metallic=1, Roughness=0.12)
    lens = material("Lens", (0.9, 0.84, 0.62), Roughness=0.08, Coat_Weight=1.0)
    tail = material("Tail", (0.6, 0.02, 0.01), Roughness=0.1, Coat_Weight=1.0)
    for x in (2.1, -2.07):
        box((0.14, WIDE - 0.1, 0.15), (x, 0, 0.55), steel, 0.065)
    for side in (-0.55, 0.55):
        disc(0.19, 0.12, (2.02, side, 0.87), steel, 0.04, (0, pi / 2, 0))
        ball(0.15, (2.06, side, 0.87), lens, (0.5, 1, 1))
        disc(0.11, 0.08, (-2.03, side, 0.9), tail, 0.03, (0, pi / 2, 0))
    cream = paint("Stripe", (0.78, 0.70, 0.54))
    for side in (-1, 1):
        box((2.9, 0.03, 0.07), (-0.1, side * (WIDE / 2 + 0.002), 1.03), cream, 0.012)
        box((0.24, 0.06, 0.05), (-0.3, side * (WIDE / 2 + 0.02), 0.9), steel, 0.02)

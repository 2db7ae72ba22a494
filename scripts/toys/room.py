"""A table by a window, a shelf on the wall behind it, and a camera that is sharp at one distance."""

import random

import bpy

from .materials import Color, lamp, material, plaster, wood
from .shapes import Place, Solid, ball, box, disc

WALL_Y = 16.0
SHELF_Z = 1.0


def furnish(tint: Color, seed: int, plant_x: float) -> None:
    """Everything that is not the subject; `tint` is the wall's colour, and `seed` puts the books in order."""
    oak = wood("Oak", (0.13, 0.062, 0.027), (0.36, 0.205, 0.10), (0.18, 3.6, 3.6), roughness=0.38)
    for plank in range(-5, 9):
        box((30, 1.94, 0.3), (0.37 * plank, 1.95 * plank, -0.15), oak, rounded=0.015)
    box((60, 0.2, 40), (0, WALL_Y, 6), plaster("Wall", tint), rounded=0)
    shelf = wood("Pine", (0.22, 0.12, 0.05), (0.5, 0.33, 0.17))
    box((34, 2.4, 0.3), (0, WALL_Y - 1.3, SHELF_Z), shelf)
    _books(random.Random(seed))
    _plant((plant_x, WALL_Y - 4.5, 0))


def _books(chance: random.Random) -> None:
    covers = [
        material(f"Cover {number}", color, Roughness=0.6)
        for number, color in enumerate(
            [
                (0.30, 0.05, 0.04),
                (0.04, 0.12, 0.22),
                (0.55, 0.45, 0.28),
                (0.06, 0.17, 0.10),
                (0.6, 0.58, 0.52),
                (0.45, 0.22, 0.05),
            ]
        )
    ]
    x = -13.0
    while x < 13:
        wide, high = chance.uniform(0.4, 1.0), chance.uniform(2.4, 3.8)
        if chance.random() < 0.82:
            lean = chance.choice([0, 0, 0, 0.12])
            box(
                (wide, 1.7, high),
                (x, WALL_Y - 1.4, SHELF_Z + 0.15 + high / 2),
                chance.choice(covers),
                0.04,
                (0, lean, 0),
            )
        x += wide + 0.05
    for place in (-4.6, 5.2):
        ball(0.3, (place, WALL_Y - 3, SHELF_Z + 2), lamp("Bulb", (1, 0.62, 0.28), 6))


def _plant(at: Place) -> None:
    chance = random.Random(3)
    x, y, z = at
    disc(1.3, 2.2, (x, y, z + 1.1), material("Pot", (0.42, 0.16, 0.08), Roughness=0.8), 0.1, (0, 0, 0))
    leaf = material("Leaf", (0.045, 0.16, 0.04), Roughness=0.45)
    for _ in range(46):
        reach = (chance.gauss(0, 1.3), chance.gauss(0, 1.0), chance.uniform(1.8, 6.2))
        made = ball(0.75, (x + reach[0], y + reach[1], z + reach[2]), leaf, (1, 0.12, 0.45))
        made.rotation_euler = [chance.uniform(-1, 1) for _ in range(3)]


def light() -> None:
    """A window at the left, a white card at the right, and a little from behind on the edges."""
    _panel((-7.5, -3.0, 8.0), (0, 0, 0.8), 5.5, 1150, (1, 0.95, 0.88))
    _panel((8.5, -5, 5.0), (0, 0, 0.8), 7, 320, (0.85, 0.92, 1))
    _panel((4.0, 8.0, 8.0), (0, 0, 0.6), 3.5, 420, (1, 0.88, 0.72))
    _panel((-2.0, 9.0, 12.0), (0, WALL_Y, 5), 5, 1100, (1, 0.93, 0.84))
    sky = bpy.data.worlds["World"].node_tree.nodes["Background"].inputs
    sky["Color"].default_value, sky["Strength"].default_value = (0.55, 0.65, 0.8, 1), 0.22


def _panel(at: Place, towards: Place, side: float, watts: float, color: Color) -> None:
    data = bpy.data.lights.new("Panel", "AREA")
    data.size, data.energy, data.color = side, watts, color
    _aimed(bpy.data.objects.new("Panel", data), at, towards)


def look(at: Place, towards: Place, sharp_at: Place, f_number: float, lens_mm: float) -> None:
    data = bpy.data.cameras.new("Camera")
    data.lens, data.dof.use_dof, data.dof.aperture_fstop = lens_mm, True, f_number
    camera = _aimed(bpy.data.objects.new("Camera", data), at, towards)
    focus = bpy.data.objects.new("Focus", None)
    focus.location = sharp_at
    bpy.context.collection.objects.link(focus)
    data.dof.focus_object = focus
    bpy.context.scene.camera = camera


def _aimed(made: Solid, at: Place, towards: Place) -> Solid:
    bpy.context.collection.objects.link(made)
    made.location = at
    target = made.constraints.new("TRACK_TO")
    target.track_axis, target.up_axis = "TRACK_NEGATIVE_Z", "UP_Y"
    aim = bpy.data.objects.new("Aim", None)
    aim.location = towards
    bpy.context.collection.objects.link(aim)
    target.target = aim
    return made

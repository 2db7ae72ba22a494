"""Renders the studio's samples that are toys, with Blender as a Python package (`pip install bpy==5.0.1 "numpy<2"`):

    python -m scripts.toys car|people [FILE WIDTH SAMPLES]

It takes some three minutes of a CPU for each. They are modelled here from nothing, so nobody else has a right in them.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import bpy

from . import car, people, room


def a_car() -> None:
    room.furnish((0.30, 0.36, 0.36), seed=5, plant_x=-11.2)
    car.build()
    room.look(at=(5.8, -9.2, 2.4), towards=(0.0, 0, 1.12), sharp_at=(1.2, -0.9, 1.0), f_number=0.5, lens_mm=68)


def some_people() -> None:
    room.furnish((0.42, 0.34, 0.27), seed=11, plant_x=-5.0)
    people.build()
    room.look(at=(0.5, -9.6, 1.75), towards=(0.03, 0, 1.02), sharp_at=(0, -0.35, 1.2), f_number=0.45, lens_mm=72)


FOLDER = Path(__file__).resolve().parents[2] / "service" / "studio" / "samples"
QUALITY = 84

SCENES: dict[str, Callable[[], None]] = {"car": a_car, "people": some_people}


def main(scene: str, file: str = "", width: str = "960", samples: str = "28") -> None:
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    SCENES[scene]()
    room.light()
    _trace(int(samples))
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = int(width), int(width) * 2 // 3
    render.image_settings.file_format, render.image_settings.quality = "WEBP", QUALITY
    render.filepath = file or str(FOLDER / f"{scene}.webp")
    bpy.ops.render.render(write_still=True)


def _trace(samples: int) -> None:
    """Few paths a pixel, and what noise they leave is taken off after."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.view_settings.look = "AgX - Medium High Contrast"
    cycles = scene.cycles
    cycles.samples, cycles.use_denoising, cycles.max_bounces, cycles.sample_clamp_indirect = samples, True, 6, 3
    cycles.caustics_reflective = cycles.caustics_refractive = False


if __name__ == "__main__":
    main(*sys.argv[1:])

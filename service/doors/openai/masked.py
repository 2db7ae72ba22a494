"""An effect within a mask: what the mask protects stays as it is in the photo."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PIL import Image, ImageChops

from service.errors import BadOption
from service.operations.effect import Effect, Scene
from service.operations.operation import Picture
from service.operations.options import EffectOptions

MASK = "mask"

Compose = Callable[[Scene, Any], Image.Image]


def within_mask(effect: Effect[Any]) -> Effect[Any]:
    """The effect with a further picture `mask`: as large as the photo, and edited only where its alpha is 0."""
    mask = Picture(MASK, "Where its alpha is 0, the photo may be edited.")
    compose = functools.partial(_compose_within, effect.compose)
    return replace(effect, pictures=(*effect.pictures, mask), compose=compose)


def _compose_within(compose: Compose, scene: Scene, options: EffectOptions) -> Image.Image:
    """As `compose`, with all that is protected counted as subject. Raises BadOption for a mask that masks nothing."""
    mask = scene.pictures.get(MASK)
    return compose(scene if mask is None else _protected(scene, mask.size, mask.alpha), options)


def _protected(scene: Scene, size: tuple[int, int], protects: Image.Image | None) -> Scene:
    if size != scene.photo.size:
        there, here = ("{} x {}".format(*each) for each in (size, scene.photo.size))
        raise BadOption(f"mask: it has {there} pixels, and the picture {here}: they have to be equal")
    if protects is None:
        raise BadOption("mask: no pixel of it is transparent, so nothing may be edited")
    shown = ImageChops.lighter(scene.matte, protects)
    if scene.photo.alpha is not None:
        shown = ImageChops.darker(shown, scene.photo.alpha)
    return replace(scene, matte=shown, mixture=ImageChops.lighter(scene.subject_light, protects))

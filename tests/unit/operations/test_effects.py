"""What all live effects have in common."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.operations import LIVE_EFFECTS
from service.operations.effect import Effect
from service.operations.options import parse_options
from tests.unit.operations.scenes import RED, SIZE, gradient, noise, scene


@pytest.mark.parametrize("effect", LIVE_EFFECTS.values(), ids=LIVE_EFFECTS)
def test_an_effect_leaves_the_photo_and_its_size_as_they_were(effect: Effect[Any]) -> None:
    photo = noise()
    result = effect.compose(scene(photo, gradient()), parse_options(effect.options, {}))
    assert result.size == SIZE
    assert np.array_equal(np.asarray(photo), np.asarray(noise()))


@pytest.mark.parametrize("effect", LIVE_EFFECTS.values(), ids=LIVE_EFFECTS)
def test_an_effect_on_a_single_pixel_works(effect: Effect[Any]) -> None:
    pixel = scene(Image.new("RGB", (1, 1), RED), np.ones((1, 1), np.float32))
    assert np.asarray(effect.compose(pixel, parse_options(effect.options, {})))[0, 0, :3].tolist() == list(RED)

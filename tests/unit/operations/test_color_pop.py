"""The subject in colour, the rest as grey as it was asked for."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from service.operations.color_pop import ColorPopOptions, color_pop
from service.operations.options import parse_options
from tests.unit.operations.scenes import SIZE, disc, distance, gradient, levels, noise, over, scene


def test_the_subject_keeps_its_colours_and_the_rest_is_grey() -> None:
    photo = Image.fromarray(data.astronaut()[: SIZE.height, : SIZE.width])
    result = np.asarray(color_pop(scene(photo, disc()), parse_options(ColorPopOptions, {})))
    assert (result[disc() == 1] == np.asarray(photo)[disc() == 1]).all()
    rest = result[disc() == 0]
    assert (rest == rest[:, :1]).all()
    luma = np.asarray(photo)[disc() == 0] @ [0.299, 0.587, 0.114]
    assert abs(rest[:, 0] - luma).max() <= 1


@pytest.mark.parametrize("saturation", [0.0, 0.3, 1.0])
def test_saturation_is_mixed_between_grey_and_colour(saturation: float) -> None:
    photo = noise()
    result = color_pop(scene(photo, gradient()), parse_options(ColorPopOptions, {"saturation": saturation}))
    luma = levels(photo) @ np.array([0.299, 0.587, 0.114])
    rest = saturation * levels(photo) + (1 - saturation) * luma[..., None]
    assert distance(result, over(levels(photo), gradient(), rest)) <= 2

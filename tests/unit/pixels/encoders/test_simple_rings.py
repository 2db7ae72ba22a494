"""Polygons cut until none has a hole. That they are the mask again, `test_codecs.py` shows."""

import numpy as np
import pytest
from hypothesis import example, given

from service.errors import TooManyVertices
from service.models.labels import Mask
from service.pixels.encoders import polygons, simple_rings
from service.pixels.encoders.polygons import Ring
from tests.unit.pixels.encoders.test_polygons import (
    CHECKERBOARD,
    TARGET,
    components,
    count_holes,
    doubled_area,
    draw_mask,
    filled,
    masks,
    size_of,
)


def pieces_of(mask: Mask) -> list[Ring]:
    (rings,) = simple_rings.encode_classes(mask.view(np.uint8), (1,))
    return rings


@given(masks())
@example(CHECKERBOARD)
@example(~CHECKERBOARD)
@example(TARGET)
def test_every_piece_is_connected_has_no_hole_and_runs_clockwise(mask: Mask) -> None:
    for ring in pieces_of(mask):
        piece = filled([{"exterior": ring, "holes": []}], size_of(mask))
        assert (len(components(piece)), count_holes(piece)) == (1, 0)
        assert doubled_area(ring) == 2 * np.count_nonzero(piece)


@given(masks())
@example(~CHECKERBOARD)
def test_no_ring_comes_back_to_its_first_point_before_its_end(mask: Mask) -> None:
    """Tools that end a shape at its first point would lose the rest."""
    for ring in pieces_of(mask):
        assert ring[0] not in ring[1:]


@given(masks())
def test_a_polygon_without_holes_is_left_alone(mask: Mask) -> None:
    for polygon in polygons.encode(mask):
        if not polygon["holes"]:
            assert simple_rings.split(polygon) == [polygon["exterior"]]


def test_a_frame_is_cut_once_along_the_bottom_of_its_hole() -> None:
    frame = draw_mask(
        "####",
        "#..#",
        "####",
    )
    assert pieces_of(frame) == [
        [[0, 0], [4, 0], [4, 2], [3, 2], [3, 1], [1, 1], [1, 2], [0, 2]],
        [[0, 2], [4, 2], [4, 3], [0, 3]],
    ]


def test_holes_side_by_side_share_a_cut() -> None:
    assert len(pieces_of(draw_mask("#######", "#.#.#.#", "#######"))) == 2


def test_more_points_than_are_allowed_are_refused_also_where_the_cuts_make_them() -> None:
    comb = np.ones((201, 201), np.bool_)
    comb[1:-1:2, 1:100] = False
    comb[1:-1, 110:-1:2] = False
    found = polygons.encode(comb)
    (polygon,) = found
    points = len(polygon["exterior"]) + sum(map(len, polygon["holes"]))
    assert points < sum(map(len, simple_rings.split(polygon, 100 * points)))
    with pytest.raises(TooManyVertices):
        simple_rings.split(polygon, points)

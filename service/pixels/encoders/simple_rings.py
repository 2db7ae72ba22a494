"""Polygons without holes, for tools whose shapes are one ring each: a polygon with holes is cut into several.

Cuts are horizontal, along pixel edges, and as few as meet every hole: what lies between two of them has none. Each hole
gives an interval of heights; the cuts are the smallest set that meets all of these, by taking the lowest of the first
that ends. Filled, even-odd, the pieces of a polygon are the polygon again, and share no pixel.

A region is known by its upright edges alone. They are cut where a cut crosses them, and each band's are joined anew:
in reading order the ends of a band pair up, two by two, into its horizontal edges.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.models.decisions import mask_of
from service.models.labels import LabelMap, Mask
from service.pixels.encoders import polygons
from service.pixels.encoders.polygons import MAX_VERTICES, Polygon, Ring

Numbers = NDArray[np.int64]


class _Ends(NamedTuple):
    """Of upright edges: 2k is the top of edge k, 2k + 1 its bottom."""

    x: Numbers
    y: Numbers
    goes_right: NDArray[np.bool_]
    """The horizontal edge that meets this end lies to the right of it."""


def encode_classes(labels: LabelMap, class_ids: Sequence[int]) -> list[list[Ring]]:
    """The rings of each class. Raises TooManyVertices where all together have more than `MAX_VERTICES` points."""
    budget = MAX_VERTICES
    encoded = []
    for class_id in class_ids:
        pieces = encode(mask_of(labels, (class_id,)), budget)
        budget -= count_points(pieces)
        encoded.append([ring for rings in pieces for ring in rings])
    return encoded


def encode(mask: Mask, max_vertices: int = MAX_VERTICES) -> list[list[Ring]]:
    """The pieces of each polygon. Raises TooManyVertices where all together have more than `max_vertices` points."""
    encoded = []
    for polygon in polygons.encode(mask, max_vertices):
        pieces = split(polygon, max_vertices)
        max_vertices -= count_points([pieces])
        if max_vertices < 0:
            raise polygons.too_many_vertices()
        encoded.append(pieces)
    return encoded


def count_points(pieces: Sequence[Sequence[Ring]]) -> int:
    """Of all rings of all polygons."""
    return sum(len(ring) for rings in pieces for ring in rings)


def split(polygon: Polygon, max_vertices: int = MAX_VERTICES) -> list[Ring]:
    """Rings like those of `polygons.encode`, clockwise on screen, without holes. Raises TooManyVertices."""
    if not polygon["holes"]:
        return [polygon["exterior"]]
    cuts = np.array([*_cuts(polygon["holes"])])
    ends = _upright_edges([polygon["exterior"], *polygon["holes"]])
    bands, ends = _cut(ends, cuts, max_vertices)
    return [*_joined(bands, ends)]


def _cuts(holes: Sequence[Ring]) -> Iterator[int]:
    """Heights, from the top, that each hole has at least one of: at its top, at its bottom or between."""
    last = -1
    for bottom, top in sorted((max(y for _, y in hole), min(y for _, y in hole)) for hole in holes):
        if top > last:
            last = bottom
            yield bottom


def _upright_edges(rings: Sequence[Ring]) -> _Ends:
    tops_and_bottoms = [_ends_of(np.array(ring)) for ring in rings]
    return _Ends(*(np.concatenate(each) for each in zip(*tops_and_bottoms, strict=True)))


def _ends_of(ring: Numbers) -> _Ends:
    """Rings begin with a horizontal edge, so upright edges go from point 1 to 2, 3 to 4, and at last to point 0."""
    befores, starts, stops, afters = ring[::2], ring[1::2], np.roll(ring[::2], -1, 0), np.roll(ring[1::2], -1, 0)
    x = np.stack([starts[:, 0], stops[:, 0]], axis=1)
    y = np.stack([starts[:, 1], stops[:, 1]], axis=1)
    goes_right = np.stack([befores[:, 0] > starts[:, 0], afters[:, 0] > stops[:, 0]], axis=1)
    is_upward = y[:, 0] > y[:, 1]
    y[is_upward], goes_right[is_upward] = y[is_upward, ::-1], goes_right[is_upward, ::-1]
    return _Ends(x.ravel(), y.ravel(), goes_right.ravel())


def _cut(ends: _Ends, cuts: Numbers, max_vertices: int) -> tuple[Numbers, _Ends]:
    """By edge: the band between two cuts that it is in; and the edges' ends. A crossed edge becomes several."""
    first = np.searchsorted(cuts, ends.y[::2], side="right")
    counts = np.searchsorted(cuts, ends.y[1::2], side="left") - first + 1
    if 2 * counts.sum() > max_vertices:
        raise polygons.too_many_vertices()
    edges = np.repeat(np.arange(len(first)), counts)
    bands = first[edges] + np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts, counts)
    limits = np.concatenate([[ends.y.min()], cuts, [ends.y.max()]])
    tops = np.maximum(ends.y[2 * edges], limits[bands])
    bottoms = np.minimum(ends.y[2 * edges + 1], limits[bands + 1])
    goes_right = np.stack([ends.goes_right[2 * edges], ends.goes_right[2 * edges + 1]], axis=1)
    return bands, _Ends(ends.x[2 * np.repeat(edges, 2)], np.stack([tops, bottoms], axis=1).ravel(), goes_right.ravel())


def _joined(bands: Numbers, ends: _Ends) -> Iterator[Ring]:
    """Each ring goes from its first point, the topmost and leftmost, to the right.

    Where two pixels touch at a corner, two ends lie there, and the one whose horizontal edge goes left comes first.
    """
    order = np.lexsort([ends.goes_right, ends.x, ends.y, np.repeat(bands, 2)])
    across = np.empty_like(order)
    across[order[::2]], across[order[1::2]] = order[1::2], order[::2]
    partners = across.tolist()
    points = np.stack([ends.x, ends.y], axis=1).tolist()
    is_traced = bytearray(len(points))
    for start in order[::2].tolist():
        ring: Ring = []
        end = start
        while not is_traced[end]:
            partner = partners[end]
            is_traced[end] = is_traced[partner] = True
            ring += [points[end], points[partner]]
            end = partner ^ 1
        if ring:
            yield ring

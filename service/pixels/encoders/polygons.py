"""Exact polygons of a mask: rings along the pixel edges, with holes. Filled, even-odd, they are the mask again.

Points are [x, y] in pixel corners: the pixel at column 3, row 2 is the square from [3, 2] to [4, 3]. Rings turn by
90 degrees at every point and do not repeat the first one. Foreground is 4-connected: pixels that touch at a corner
only are separate polygons. Exteriors run clockwise as seen on screen (y down), holes counter-clockwise; both begin at
the top.

The method: every point of a ring joins one horizontal edge to one vertical edge. In reading order (rows, then columns)
the points pair up two by two into the horizontal edges, in column order into the vertical edges. A corner where two
pixels touch diagonally is two points. docs/performance.md sets it beside the libraries that could do the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from service.errors import TooManyVertices
from service.models.decisions import mask_of
from service.models.labels import LabelMap, Mask
from service.pixels.threads import pixel_work

Ring = list[list[int]]
Indices = NDArray[np.intp]

MAX_VERTICES = 100_000
"""In one answer, all its polygons together. Masks of photos were measured at 3,000 to 5,000 with 2 megapixels and at
8,000 to 11,000 with 12; noise has one for every one or two pixels. A vertex takes some 200 bytes until it is 11 of
JSON."""

BAND_PIXELS = 1 << 18
"""Searched for corners at once: what is computed of them stays in the cache."""


class Polygon(TypedDict):
    """An outline and the outlines of its holes, each of corners in pixels."""

    exterior: Ring
    holes: list[Ring]


class _Points(NamedTuple):
    """Where rings turn, in reading order. A corner where two pixels touch is two points."""

    x: Indices
    y: Indices
    changes_place: NDArray[np.bool_]
    """With the other point of its corner, in column order."""
    is_above_foreground: NDArray[np.bool_]
    """The pixel below and right of it is foreground."""


@dataclass(frozen=True)
class _Boundary:
    """Horizontal edge e joins the points 2e (its left end) and 2e + 1."""

    x: Indices
    y: Indices
    """Both by point, in reading order."""
    by_column: Indices
    """The points in column order: 2k (its top) and 2k + 1 in this list are the ends of vertical edge k."""
    goes_right: NDArray[np.bool_]
    """By horizontal edge: true where foreground lies below, so that it is always on the traveller's right."""


@dataclass(frozen=True)
class _Rings:
    """In reading order of their topmost, leftmost edges."""

    edges: Indices
    """The horizontal edges in order of travel, one ring after the other."""
    first: Indices
    """By ring: where in `edges` it begins, with its topmost, leftmost edge."""


def encode_classes(labels: LabelMap, class_ids: Sequence[int], max_vertices: int = MAX_VERTICES) -> list[list[Polygon]]:
    """The polygons of each class. Raises TooManyVertices where all of them together have more than `max_vertices`."""
    encoded = []
    for class_id in class_ids:
        polygons = encode(mask_of(labels, (class_id,)), max_vertices)
        max_vertices -= sum(len(ring) for polygon in polygons for ring in (polygon["exterior"], *polygon["holes"]))
        encoded.append(polygons)
    return encoded


@pixel_work
def encode(mask: Mask, max_vertices: int = MAX_VERTICES) -> list[Polygon]:
    """In reading order, and so are the holes of each. Takes time in proportion to pixels and points.

    Raises TooManyVertices as soon as more than `max_vertices` are found, before anything is made of them.
    """
    boundary = _find_boundary(mask, max_vertices)
    rings = _trace(_successors(boundary).tolist())
    polygons: dict[int, Polygon] = {}
    owners = _owners(mask, boundary, rings)
    for ring, (owner, points) in enumerate(zip(owners, _points(boundary, rings), strict=True)):
        if owner == ring:
            polygons[ring] = {"exterior": points, "holes": []}
        else:
            polygons[owner]["holes"].append(points)
    return list(polygons.values())


def too_many_vertices() -> TooManyVertices:
    """The failure, with the way out."""
    return TooManyVertices("polygons would have too many vertices; ask for encoding=rle, which takes any mask")


def _find_boundary(mask: Mask, max_vertices: int) -> _Boundary:
    bands = zip(*_points_of_bands(mask, max_vertices), strict=True)
    x, y, changes_place, is_above_foreground = (np.concatenate(band) for band in bands)
    return _Boundary(x, y, _column_order(x, changes_place), goes_right=is_above_foreground[::2])


def _points_of_bands(mask: Mask, max_vertices: int) -> Iterator[_Points]:
    height, width = mask.shape
    rows = max(1, BAND_PIXELS // width)
    vertices = 0
    for top in range(0, height + 1, rows):
        points = _find_points(_framed(mask, top, min(height + 1, top + rows)), top)
        vertices += len(points.x)
        if vertices > max_vertices:
            raise too_many_vertices()
        yield points


def _framed(mask: Mask, top: int, bottom: int) -> Mask:
    """The pixels around the corners from row `top` to row `bottom`; beyond the mask they are background.

    framed[y - top + 1, x + 1] is the pixel below and right of the corner (x, y).
    """
    framed = np.zeros((bottom - top + 1, mask.shape[1] + 2), np.bool_)
    inside = mask[max(0, top - 1) : bottom]
    first = int(top == 0)
    framed[first : first + len(inside), 1:-1] = inside
    return framed


def _find_points(framed: Mask, top: int) -> _Points:
    vertical = framed[:, 1:] ^ framed[:, :-1]
    above, below = vertical[:-1], vertical[1:]
    touches = above & below & (framed[1:, :-1] ^ framed[:-1, :-1])
    corners = np.flatnonzero((above ^ below) | touches)
    is_double = touches.ravel()[corners]
    y, x = np.divmod(np.repeat(corners, 1 + is_double), touches.shape[1])
    changes_place = np.repeat(is_double, 1 + is_double) & ~framed[y, x]
    return _Points(x, y + top, changes_place, framed[y + 1, x + 1])


def _column_order(x: Indices, changes_place: NDArray[np.bool_]) -> Indices:
    """Of two points at one corner, the first in reading order has the edge to the left, in column order the edge up.

    That is the same one if the pixel above left is foreground, which both edges belong to. Otherwise the edge to the
    left belongs to the pixel below, and the two change places.
    """
    points = np.arange(len(x))
    points[changes_place] = points[changes_place].reshape(-1, 2)[:, ::-1].ravel()
    return points[np.argsort(x, kind="stable")]


def _successors(boundary: _Boundary) -> Indices:
    """By horizontal edge: the next one on its ring."""
    tops, bottoms = boundary.by_column[::2], boundary.by_column[1::2]
    across = np.empty_like(boundary.by_column)
    across[tops], across[bottoms] = bottoms, tops
    ends = 2 * np.arange(len(boundary.goes_right)) + boundary.goes_right
    return _edge_of(across[ends])


def _trace(successors: list[int]) -> _Rings:
    edges: list[int] = []
    first: list[int] = []
    is_traced = bytearray(len(successors))
    for start in range(len(successors)):
        if is_traced[start]:
            continue
        first.append(len(edges))
        edge = start
        while not is_traced[edge]:
            is_traced[edge] = True
            edges.append(edge)
            edge = successors[edge]
    return _Rings(np.array(edges, np.intp), np.array(first, np.intp))


def _points(boundary: _Boundary, rings: _Rings) -> list[Ring]:
    starts = 2 * rings.edges + ~boundary.goes_right[rings.edges]
    travelled = np.stack([starts, starts ^ 1], axis=1).ravel()
    x, y = boundary.x[travelled].tolist(), boundary.y[travelled].tolist()
    points = [[x, y] for x, y in zip(x, y, strict=True)]  # `tolist` of both at once would hold the GIL all the while
    bounds = [*(2 * rings.first).tolist(), len(points)]
    return [points[begin:end] for begin, end in pairwise(bounds)]


def _owners(mask: Mask, boundary: _Boundary, rings: _Rings) -> list[int]:
    """By ring: the exterior of its polygon, which for an exterior is itself.

    A hole belongs where the ring to its left does, because the foreground between them is one piece. That ring comes
    earlier in reading order, so its owner is known. Source: the raster-scan rule of Suzuki & Abe 1985.
    """
    top_edges = rings.edges[rings.first]
    holes = np.flatnonzero(~boundary.goes_right[top_edges])
    owners = list(range(len(rings.first)))
    neighbours = _ring_of_each_edge(rings)[_edges_left_of(2 * top_edges[holes], mask, boundary)]
    for hole, neighbour in zip(holes.tolist(), neighbours.tolist(), strict=True):
        owners[hole] = owners[neighbour]
    return owners


def _ring_of_each_edge(rings: _Rings) -> Indices:
    ring_of_edge = np.empty_like(rings.edges)
    lengths = np.diff(rings.first, append=len(rings.edges))
    ring_of_edge[rings.edges] = np.repeat(np.arange(len(lengths)), lengths)
    return ring_of_edge


def _edges_left_of(points: Indices, mask: Mask, boundary: _Boundary) -> Indices:
    """From each point go left through foreground, in the row below it, to the first vertical edge.

    Returns a horizontal edge that shares a point with that vertical edge, so it is on the same ring.
    """
    height = len(mask) + 1
    x, y = boundary.x[points], boundary.y[points]
    met = _columns_left_of(x, y, mask)
    tops = boundary.by_column[::2]
    keys = boundary.x[tops] * height + boundary.y[tops]
    vertical = np.searchsorted(keys, met * height + y, side="right") - 1
    return _edge_of(tops[vertical])


def _columns_left_of(x: Indices, y: Indices, mask: Mask) -> Indices:
    """By place, in reading order: where the run of foreground begins that ends there."""
    width = mask.shape[1]
    rows = max(1, BAND_PIXELS // width)
    columns = np.empty_like(x)
    for top in range(0, len(mask), rows):
        first, last = np.searchsorted(y, (top, top + rows))
        if first < last:
            begins = mask[top : top + rows].copy()
            begins[:, 1:] &= ~mask[top : top + rows, :-1]
            starts = np.flatnonzero(begins)
            places = (y[first:last] - top) * width + x[first:last]
            columns[first:last] = starts[np.searchsorted(starts, places) - 1] % width
    return columns


def _edge_of(points: Indices) -> Indices:
    return points >> 1

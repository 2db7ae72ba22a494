"""Exact polygons of a mask: rings along the pixel edges, with holes. `decode` gives back the very same mask.

Points are [x, y] in pixel corners: the pixel at column 3, row 2 is the square from [3, 2] to [4, 3]. Rings turn by
90 degrees at every point and do not repeat the first one. Foreground is 4-connected: pixels that touch at a corner
only are separate polygons. Exteriors run clockwise as seen on screen (y down), holes counter-clockwise; both begin at
the top.

The method: every point of a ring joins one horizontal edge to one vertical edge. In reading order (rows, then columns)
the points pair up two by two into the horizontal edges, in column order into the vertical edges. A corner where two
pixels touch diagonally is two points.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from service.models.labels import Mask, Size

Ring = list[list[int]]
Indices = NDArray[np.intp]


class Polygon(TypedDict):
    exterior: Ring
    holes: list[Ring]


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


def encode(mask: Mask) -> list[Polygon]:
    """In reading order, and so are the holes of each. Takes time in proportion to pixels and points."""
    padded = np.pad(mask, 1)
    boundary = _find_boundary(padded)
    rings = _trace(_successors(boundary).tolist())
    polygons: dict[int, Polygon] = {}
    owners = _owners(padded, boundary, rings)
    for ring, (owner, points) in enumerate(zip(owners, _points(boundary, rings), strict=True)):
        if owner == ring:
            polygons[ring] = {"exterior": points, "holes": []}
        else:
            polygons[owner]["holes"].append(points)
    return list(polygons.values())


def decode(polygons: list[Polygon], size: Size) -> Mask:
    """Even-odd fill of polygons as `encode` makes them.

    Every point ends one vertical edge, so an odd number of points above means that a vertical edge passes here, and an
    odd number of vertical edges to the left means inside.
    """
    parity = np.zeros((size.height + 1, size.width + 1), np.uint8)
    points = [point for polygon in polygons for ring in (polygon["exterior"], *polygon["holes"]) for point in ring]
    x, y = np.array(points, np.intp).reshape(-1, 2).T
    np.bitwise_xor.at(parity, (y, x), 1)  # a plain assignment would count double points once
    np.bitwise_xor.accumulate(parity, axis=0, out=parity)
    np.bitwise_xor.accumulate(parity, axis=1, out=parity)
    return parity[:-1, :-1].astype(np.bool_)


def _find_boundary(padded: Mask) -> _Boundary:
    """`padded` is the mask in a frame of background: padded[y + 1, x + 1] is the pixel below and right of (x, y)."""
    vertical = padded[:, 1:] ^ padded[:, :-1]
    above, below = vertical[:-1], vertical[1:]
    touches = above & below & (padded[1:, :-1] ^ padded[:-1, :-1])
    corners = np.flatnonzero((above ^ below) | touches)
    is_double = touches.ravel()[corners]
    y, x = np.divmod(np.repeat(corners, 1 + is_double), touches.shape[1])
    by_column = _column_order(padded, x, y, np.repeat(is_double, 1 + is_double))
    return _Boundary(x, y, by_column, goes_right=padded[y[::2] + 1, x[::2] + 1])


def _column_order(padded: Mask, x: Indices, y: Indices, is_double: NDArray[np.bool_]) -> Indices:
    """Of two points at one corner, the first in reading order has the edge to the left, in column order the edge up.

    That is the same one if the pixel above left is foreground, which both edges belong to. Otherwise the edge to the
    left belongs to the pixel below, and the two change places.
    """
    points = np.arange(len(x))
    swapped = is_double & ~padded[y, x]
    points[swapped] = points[swapped].reshape(-1, 2)[:, ::-1].ravel()
    key = x.astype(np.uint16) if padded.shape[1] <= 2**16 else x  # numpy sorts 16-bit numbers in linear time
    return points[np.argsort(key, kind="stable")]


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
    points = np.stack([boundary.x[travelled], boundary.y[travelled]], axis=1).tolist()
    bounds = [*(2 * rings.first).tolist(), len(points)]
    return [points[begin:end] for begin, end in pairwise(bounds)]


def _owners(padded: Mask, boundary: _Boundary, rings: _Rings) -> list[int]:
    """By ring: the exterior of its polygon, which for an exterior is itself.

    A hole belongs where the ring to its left does, because the foreground between them is one piece. That ring comes
    earlier in reading order, so its owner is known. Source: the raster-scan rule of Suzuki & Abe 1985.
    """
    top_edges = rings.edges[rings.first]
    holes = np.flatnonzero(~boundary.goes_right[top_edges])
    owners = list(range(len(rings.first)))
    if len(holes):
        top_left = 2 * top_edges[holes]
        neighbours = _ring_of_each_edge(rings)[_edges_left_of(top_left, padded, boundary)]
        for hole, neighbour in zip(holes.tolist(), neighbours.tolist(), strict=True):
            owners[hole] = owners[neighbour]
    return owners


def _ring_of_each_edge(rings: _Rings) -> Indices:
    ring_of_edge = np.empty_like(rings.edges)
    lengths = np.diff(rings.first, append=len(rings.edges))
    ring_of_edge[rings.edges] = np.repeat(np.arange(len(lengths)), lengths)
    return ring_of_edge


def _edges_left_of(points: Indices, padded: Mask, boundary: _Boundary) -> Indices:
    """From each point go left through foreground, in the row below it, to the first vertical edge.

    Returns a horizontal edge that shares a point with that vertical edge, so it is on the same ring.
    """
    height, width = (side - 1 for side in padded.shape)
    x, y = boundary.x[points], boundary.y[points]
    left_edges = np.flatnonzero(padded[:, 1:] & ~padded[:, :-1])
    met = left_edges[np.searchsorted(left_edges, (y + 1) * width + x) - 1]
    tops = boundary.by_column[::2]
    keys = boundary.x[tops] * height + boundary.y[tops]
    vertical = np.searchsorted(keys, met % width * height + y, side="right") - 1
    return _edge_of(tops[vertical])


def _edge_of(points: Indices) -> Indices:
    return points >> 1

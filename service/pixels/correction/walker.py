"""A random walk from every open pixel: how likely does it end where the subject is, before it ends elsewhere?

Walks go to neighbours of their own colour above all, and cross an edge seldom. Now and then one ends where it is, with
what was believed of that pixel. So a seam between two parts of the subject closes, and an outline comes to lie on an
edge of the photo.

Sources: Grady 2006, "Random walks for image segmentation"; Grady 2005, "Multilabel random walker image segmentation
using prior models", for beliefs; Hestenes and Stiefel 1952, for conjugate gradients, here with Jacobi's preconditioner.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from service.models.decisions import Plane
from service.models.labels import Mask
from service.pixels.correction.geodesic import Colours

EDGE_COST = np.float32(200)
"""By the squared change of colour. From one tenth of the way between black and white along one channel, a walk goes
there at a seventh of the rate at which it stays on ground of one colour."""

LEAST = np.float32(0.005)
"""Across the strongest edge: what is shut in by edges on all sides still hears of what is around it."""

BELIEF = np.float32(0.005)
"""How often a walk ends where it is, beside a step on ground of one colour."""

ROUNDS = 60
ENOUGH = 1e-6
"""Of the squared error that is left, after which no pixel changes its side."""


class Ties(NamedTuple):
    """How readily a walk goes from a pixel to its neighbour, in either direction: 0 to 1."""

    right: NDArray[np.float32]
    """(H, W - 1)"""
    down: NDArray[np.float32]
    """(H - 1, W)"""

    @classmethod
    def of(cls, colours: Colours) -> Self:
        across = ((colours[:, 1:] - colours[:, :-1]) ** 2).sum(axis=-1)
        along = ((colours[1:] - colours[:-1]) ** 2).sum(axis=-1)
        return cls(np.exp(-EDGE_COST * across) + LEAST, np.exp(-EDGE_COST * along) + LEAST)

    def from_neighbours(self, values: Plane) -> Plane:
        """(H, W): the sum of the four neighbours' values, each times its tie."""
        result = np.zeros_like(values)
        result[:, :-1] += self.right * values[:, 1:]
        result[:, 1:] += self.right * values[:, :-1]
        result[:-1] += self.down * values[1:]
        result[1:] += self.down * values[:-1]
        return result


def walked(known: Plane, is_open: Mask, believed: Plane, ties: Ties) -> Plane:
    """(H, W), 0 to 1: `known` where a pixel is not open, and else where its walks end on average."""
    inside = is_open.astype(np.float32)
    total = ties.from_neighbours(np.ones_like(known)) + BELIEF

    def pull(values: Plane) -> Plane:
        pulled: Plane = inside * (total * values - ties.from_neighbours(values))
        return pulled

    found = inside * believed
    wanted = inside * (BELIEF * believed + ties.from_neighbours(known * (1 - inside)))
    error = wanted - pull(found)
    direction = scaled = error / total
    left = _dot(error, scaled)
    for _ in range(ROUNDS):
        if left < ENOUGH:
            break
        pulled = pull(direction)
        length = np.float32(left / _dot(direction, pulled))
        found += length * direction
        error -= length * pulled
        scaled = error / total
        before, left = left, _dot(error, scaled)
        direction = scaled + np.float32(left / before) * direction
    result: Plane = np.where(is_open, found, known)
    return result


def _dot(one: Plane, other: Plane) -> float:
    return float(np.vdot(one, other))

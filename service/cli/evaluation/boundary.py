"""Where the edge of a mask lies, beside where it should lie. Knows neither files nor models: arrays in, numbers out.

An edge pixel of a mask belongs to the mask and has a pixel that does not among its four neighbours. The frame of the
picture is no edge, and neither is a border to pixels that do not count.

Boundary F at a tolerance of t pixels: precision is the share of the found mask's edge pixels with an edge pixel of the
truth no further than t away, centre to centre; recall is the same the other way round; F = 2 P R / (P + R).

Sources: Martin, Fowlkes & Malik 2004 (precision and recall of edges); Csurka et al. 2013, "What is a good evaluation
measure for semantic segmentation?" (F of each picture, averaged over pictures).
"""

import numpy as np

from service.models.labels import Mask


def edge_pixels(mask: Mask, counted: Mask) -> Mask:
    """Those of `mask` with one of their four neighbours outside it, where both are `counted`."""
    edge = np.zeros_like(mask)
    inside, outside = mask & counted, ~mask & counted
    edge[1:] |= outside[:-1]
    edge[:-1] |= outside[1:]
    edge[:, 1:] |= outside[:, :-1]
    edge[:, :-1] |= outside[:, 1:]
    return edge & inside


def within(mask: Mask, distance_px: int) -> Mask:
    """The pixels with one of `mask` no further than that away: exact, and quick for a few pixels."""
    height, width = mask.shape
    padded = np.pad(mask, distance_px)
    reached = np.zeros_like(mask)
    reach = range(-distance_px, distance_px + 1)
    for down, right in ((y, x) for y in reach for x in reach if x * x + y * y <= distance_px**2):
        top, left = distance_px + down, distance_px + right
        reached |= padded[top : top + height, left : left + width]
    return reached


def boundary_f(found: Mask, truth: Mask, counted: Mask, tolerance_px: int) -> float | None:
    """In [0, 1]; None where the truth has no edge: all of the picture, or nothing."""
    true_edge = edge_pixels(truth, counted)
    if not true_edge.any():
        return None
    found_edge = edge_pixels(found, counted)
    if not found_edge.any():
        return 0.0
    precision = within(true_edge, tolerance_px)[found_edge].mean()
    recall = within(found_edge, tolerance_px)[true_edge].mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0

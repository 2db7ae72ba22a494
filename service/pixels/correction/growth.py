"""How far a stroke reaches: along similar colours, up to edges, to other strokes, and to what says the same already."""

import math

import numpy as np
from PIL import Image, ImageFilter

from service.models.decisions import Plane
from service.models.labels import Mask
from service.pixels.correction.geodesic import Colours, distances, steps
from service.pixels.correction.walker import Ties, walked

REACH = 3.5
"""Brush radii, up and down and to the sides. A person takes a broad brush for a broad fault, so that is a measure for
what was meant."""

CONTRAST = 60.0
"""Brush radii for going from black to white along one channel: a seventeenth of that is as far as `REACH`."""

EDGE_PX = 2
"""From the middle of an edge to either of its ends, on the small picture."""

FADED = 30.0
"""Brush radii beyond `REACH`, where a belief is none at all."""

HALF = np.float32(0.5)


def grown(colours: Colours, before: Plane, keep: Mask, remove: Mask, radius_px: float) -> Plane:
    """(H, W): `before`, 0 to 1, with what `keep` and `remove` and their surroundings become: 1 and 0.

    `radius_px` is the brush's. Of what is within `REACH`, those pixels are believed to be meant that have a short way
    to the stroke, and no shorter one to the other. Random walks decide, by that and by what lies around.
    """
    was_subject = before >= HALF
    is_painted = keep | remove
    may_come = _around(keep, REACH * radius_px) & ~(was_subject | is_painted)
    may_go = _around(remove, REACH * radius_px) & was_subject & ~is_painted
    to_keep, to_remove = _beliefs(colours, keep, remove, radius_px)
    known = ((was_subject | keep) & ~remove).astype(np.float32)
    believed = np.where(may_come, to_keep, np.where(may_go, 1 - to_remove, known))
    share = walked(known, may_come | may_go, believed, Ties.of(colours))
    after = before.copy()
    after[(may_come & (share >= HALF)) | keep] = 1
    after[(may_go & (share < HALF)) | remove] = 0
    return _settled(after, before)


def _beliefs(colours: Colours, keep: Mask, remove: Mask, radius_px: float) -> tuple[Plane, Plane]:
    """(H, W) each, 0 to 1: how much a pixel is thought to be meant by either stroke, by its geodesic distance."""
    near = distances(np.stack([keep, remove]), steps(colours, 1 / radius_px, CONTRAST))
    within = (1 / (1 + np.exp((near - REACH).clip(-FADED, FADED)))).astype(np.float32)
    is_kept = near[0] < near[1]
    return within[0] * is_kept, within[1] * ~is_kept


def _around(mask: Mask, reach_px: float) -> Mask:
    """Whatever has a pixel of the mask in the square around it."""
    side = 2 * math.ceil(reach_px) + 1
    for axis in (0, 1):
        wide = np.pad(mask, [(side // 2 + 1, side // 2) if each == axis else (0, 0) for each in (0, 1)])
        count = np.cumsum(wide, axis=axis, dtype=np.int32)
        length = mask.shape[axis]
        mask = count.take(range(side, side + length), axis) > count.take(range(length), axis)
    return mask


def _settled(after: Plane, before: Plane) -> Plane:
    """`after`, without what an edge that has gone leaves behind: its faint side, with no other edge near."""
    is_subject = after >= HALF
    changed = is_subject != (before >= HALF)
    near = _largest(changed) & (_largest(is_subject) == ~_largest(~is_subject))
    after[near] = is_subject[near]
    return after


def _largest(mask: Mask) -> Mask:
    """Whatever is up to `EDGE_PX` away from a pixel of the mask."""
    spread = Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * EDGE_PX + 1))
    return np.asarray(spread) > 0


def brush_radius(painted: Mask) -> float:
    """Of the widest place, in pixels; at least a half."""
    padded = np.pad(~painted, 1, constant_values=True)
    plain = np.zeros((*padded.shape, 3), np.float32)
    inside = distances(padded[np.newaxis], steps(plain, 1.0, 0.0))[0]
    return max(0.5, float(inside.max()) - 0.5)

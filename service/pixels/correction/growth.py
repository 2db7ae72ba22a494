"""How far a stroke reaches: along similar colours, up to edges, to other strokes, and to what says the same already."""

import numpy as np
from PIL import Image, ImageFilter

from service.models.decisions import Plane
from service.models.labels import Mask
from service.pixels.correction.geodesic import Colours, distances, steps

REACH = 5.0
"""Brush radii from a stroke over ground of one colour. A person takes a broad brush for a broad fault, so that is a
measure for what was meant."""

CONTRAST = 40.0
"""Brush radii for going from black to white along one channel: an edge of a fifteenth of that stops what is left."""

EDGE_PX = 2
"""From the middle of an edge to either of its ends, on the small picture."""

HALF = np.float32(0.5)


def grown(colours: Colours, before: Plane, keep: Mask, remove: Mask, radius_px: float) -> Plane:
    """(H, W): `before`, 0 to 1, with what `keep` and `remove` and their surroundings become: 1 and 0.

    A pixel within `REACH` goes with the nearer of the two, as the geodesic distance has it; `radius_px` is the brush's.
    """
    near = distances(np.stack([keep, remove]), steps(colours, 1 / radius_px, CONTRAST))
    after = before.copy()
    after[(near[0] < REACH) & (near[0] < near[1]) & (before < HALF)] = 1
    after[(near[1] < REACH) & (near[1] <= near[0]) & (before >= HALF)] = 0
    return _settled(after, before)


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

"""Where the edge of a mask lies, and where it should lie. Knows neither files nor models: arrays in, numbers out.

What an edge pixel is, and boundary F, are told in `service/cli/evaluation/boundary.py`; here distances are exact at any
tolerance, because the band around the edge needs them too.

Sources: Martin, Fowlkes & Malik 2004 (precision and recall of edges); Csurka et al. 2013, "What is a good evaluation
measure for semantic segmentation?" (F of each picture, averaged over pictures). Csurka et al. and the DAVIS benchmark
(Perazzi et al. 2016) tolerate 0.75% and 0.8% of the diagonal, 8 pixels of a 550 x 825 photo; here t is given in pixels,
because a cutout shows an edge that is two pixels off.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from service.cli.evaluation.boundary import edge_pixels
from service.models.decisions import Plane
from service.models.labels import Mask

Distances = NDArray[np.float64]
"""(H, W) pixels to something, from centre to centre."""

BAND_PX = 8


@dataclass(frozen=True)
class EdgeScore:
    """One picture's matte against the edge of its truth."""

    bf1: float
    """Boundary F of the 0.5 contour at a tolerance of 1 px."""
    bf2: float
    error: float
    """Mean absolute error of the matte within `BAND_PX` of the true edge, in [0, 1]."""


@dataclass(frozen=True)
class TrueEdge:
    """The edge of a picture's truth."""

    truth: Mask
    counted: Mask
    pixels: Mask
    distances_px: Distances
    """From each pixel to the edge."""
    band: Mask
    """The counted pixels with one of the other kind no further than `BAND_PX` away."""

    @classmethod
    def of(cls, truth: Mask, counted: Mask) -> Self | None:
        """None where the truth has no edge: all of the picture, or nothing, or apart by pixels that do not count."""
        pixels = edge_pixels(truth, counted)
        if not pixels.any():
            return None
        subject, rest = truth & counted, ~truth & counted
        band = (subject & (_distances_px(rest) <= BAND_PX)) | (rest & (_distances_px(subject) <= BAND_PX))
        return cls(truth, counted, pixels, _distances_px(pixels), band)

    def score(self, matte: Plane, found: Mask) -> EdgeScore:
        """Of a matte, (H, W) in [0, 1], and the mask that it is at 0.5."""
        pixels = edge_pixels(found, self.counted)
        error = np.abs(matte[self.band] - self.truth[self.band]).mean(dtype=np.float64)
        if not pixels.any():
            return EdgeScore(0.0, 0.0, float(error))
        missed_px, strayed_px = _distances_px(pixels)[self.pixels], self.distances_px[pixels]
        return EdgeScore(_boundary_f(strayed_px, missed_px, 1), _boundary_f(strayed_px, missed_px, 2), float(error))


def _distances_px(mask: Mask) -> Distances:
    """From each pixel to the nearest one of `mask`, which has at least one."""
    distances: Distances = distance_transform_edt(~mask)
    return distances


def _boundary_f(strayed_px: Distances, missed_px: Distances, tolerance_px: float) -> float:
    """From the distances of the found edge's pixels to the true edge, and of the true edge's to the found one."""
    precision, recall = (strayed_px <= tolerance_px).mean(), (missed_px <= tolerance_px).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0

"""The runs of a mask, row after row: what two annotation tools write down, each in its own way."""

import numpy as np
from numpy.typing import NDArray

from service.models.labels import Mask


def find_runs(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The lengths of background and foreground in turn, in pixels, and which of them are foreground."""
    flat = mask.ravel()
    borders = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], borders])
    return np.diff(starts, append=flat.size), flat[starts]

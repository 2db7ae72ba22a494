"""What the readers of published files hand over: a graph's convolutions, in the order in which they run."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Convolution(NamedTuple):
    """One layer, laid out as torch does: `weight` is (out, in / groups, height, width), `bias` is (out,)."""

    weight: Array
    bias: Array

"""Colour spaces that are told by numbers: CICP codes (PNG's cICP, nclx in AVIF and HEIC), gamma and chromaticities."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.pixels.decode.colours import transfer
from service.pixels.decode.colours.transfer import Transfer


class XY(NamedTuple):
    """A chromaticity, CIE 1931."""

    x: float
    y: float


D65, DCI_WHITE, WHITE_C = XY(0.3127, 0.3290), XY(0.314, 0.351), XY(0.310, 0.316)
SAME_CHROMATICITY = 0.003
"""So near are rounded numbers of the same primaries; the next real ones, of old televisions, are ten times as far."""


class Primaries(NamedTuple):
    """What the three numbers of a pixel stand for, and what is white when all are 1."""

    red: XY
    green: XY
    blue: XY
    white: XY = D65

    def is_near(self, other: "Primaries") -> bool:
        return bool(np.abs(np.subtract(self, other)).max() < SAME_CHROMATICITY)

    def to_xyz(self) -> NDArray[np.float64]:
        """(3, 3): light of these primaries to CIE XYZ, white having Y = 1. Raises LinAlgError where they span nothing.

        Source: SMPTE RP 177.
        """
        columns = np.array([_xyz(each) for each in (self.red, self.green, self.blue)]).T
        return np.asarray(columns * np.linalg.solve(columns, _xyz(self.white)))


def _xyz(xy: XY) -> NDArray[np.float64]:
    return np.array([xy.x / xy.y, 1.0, (1.0 - xy.x - xy.y) / xy.y])


BT709 = Primaries(XY(0.64, 0.33), XY(0.30, 0.60), XY(0.15, 0.06))
BT2020 = Primaries(XY(0.708, 0.292), XY(0.170, 0.797), XY(0.131, 0.046))
P3 = Primaries(XY(0.680, 0.320), XY(0.265, 0.690), XY(0.150, 0.060))
BT601 = Primaries(XY(0.630, 0.340), XY(0.310, 0.595), XY(0.155, 0.070))

PRIMARIES: dict[int, Primaries] = {
    1: BT709,
    4: Primaries(XY(0.67, 0.33), XY(0.21, 0.71), XY(0.14, 0.08), WHITE_C),
    5: Primaries(XY(0.64, 0.33), XY(0.29, 0.60), XY(0.15, 0.06)),
    6: BT601,
    7: BT601,
    8: Primaries(XY(0.681, 0.319), XY(0.243, 0.692), XY(0.145, 0.049), WHITE_C),
    9: BT2020,
    11: P3._replace(white=DCI_WHITE),
    12: P3,
    22: Primaries(XY(0.630, 0.340), XY(0.295, 0.605), XY(0.155, 0.077)),
}
"""By their code. Source: ITU-T H.273, table 2. Left out: 10, whose primaries are not chromaticities."""

TRANSFERS: dict[int, Transfer] = {
    **dict.fromkeys((1, 6, 11, 12, 13, 14, 15), transfer.SRGB),
    4: transfer.power(2.2),
    5: transfer.power(2.8),
    7: transfer.SMPTE_240M,
    8: transfer.power(1.0),
    16: transfer.PQ,
    17: transfer.CINEMA,
    18: transfer.HLG,
}
"""By their code. Source: ITU-T H.273, table 3. A camera's curve (1, 6, 11, 12, 14, 15) is not what its pictures are
meant to be seen with; files that name it hold sRGB as a rule, and are shown so, as by libultrahdr. Left out: the
logarithms 9 and 10."""


@dataclass(frozen=True)
class ColourSpace:
    """What the numbers of a picture mean."""

    primaries: Primaries
    transfer: Transfer
    full_range: bool = True
    """Otherwise 16 to 235 of 255, as in video."""

    @property
    def is_srgb(self) -> bool:
        return self.full_range and self.transfer == transfer.SRGB and self.primaries.is_near(BT709)

    def to_bt709(self) -> NDArray[np.float32]:
        """(3, 3): light of these primaries to light of sRGB's, white staying white. Source: Bradford, ICC.1 annex E."""
        bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
        scale = (bradford @ _xyz(D65)) / (bradford @ _xyz(self.primaries.white))
        adapt = np.linalg.inv(bradford) @ np.diag(scale) @ bradford
        return np.asarray(np.linalg.inv(BT709.to_xyz()) @ adapt @ self.primaries.to_xyz(), np.float32)

    def luminance(self) -> NDArray[np.float32]:
        """(3,): how much each primary adds to what the eye calls bright."""
        return np.asarray(self.primaries.to_xyz()[1], np.float32)


SRGB = ColourSpace(BT709, transfer.SRGB)


def from_codes(primaries: int, transfer_: int, full_range: bool = True) -> ColourSpace | None:
    """Of two code points of ITU-T H.273; None where they say nothing, or what nobody knows how to show."""
    if primaries not in PRIMARIES or transfer_ not in TRANSFERS:
        return None
    return ColourSpace(PRIMARIES[primaries], TRANSFERS[transfer_], full_range)


SRGB_GAMMA, GAMMA_TOLERANCE = 1 / 2.2, 0.005
"""PNG writers say a gamma of 1/2.2 where they mean sRGB, as the specification of PNG tells them to."""
SENSIBLE_GAMMA = (0.1, 10.0)


def from_gamma(gamma: float, chromaticities: Primaries | None) -> ColourSpace | None:
    """Of the exponent that a picture was stored with; None where the numbers make no sense."""
    if not SENSIBLE_GAMMA[0] <= gamma <= SENSIBLE_GAMMA[1] or (chromaticities and not _spans(chromaticities)):
        return None
    curve = transfer.SRGB if abs(gamma - SRGB_GAMMA) < GAMMA_TOLERANCE else transfer.power(1 / gamma)
    return ColourSpace(chromaticities or BT709, curve)


def _spans(primaries: Primaries) -> bool:
    """Whether real colours can be made of them: damaged files have chromaticities that are all 0."""
    if not all(0 < each.y <= 1 and 0 <= each.x <= 1 for each in primaries):
        return False
    try:
        matrix = primaries.to_xyz()
        return bool(np.isfinite(matrix).all() and np.linalg.cond(matrix) < 1e3)
    except np.linalg.LinAlgError:
        return False

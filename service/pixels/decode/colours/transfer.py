"""From the numbers that a file stores to light, and from light to the numbers of sRGB.

Light is relative: 1.0 is the white of a page, which is 203 cd/m2 where the signal means absolute light.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Of numbers from 0 to 1."""

REFERENCE_WHITE_NITS = 203.0
"""HDR reference white: ITU-R BT.2408-7, table 1. What is as bright becomes SDR's white, what is brighter is clipped."""
PQ_PEAK_NITS = 10_000.0
HLG_PEAK_NITS = 1000.0
"""The display that HLG is shown on here; its system gamma is 1.2: ITU-R BT.2100-2, table 5."""
HLG_SYSTEM_GAMMA = 1.2


@dataclass(frozen=True)
class Transfer:
    """How signals become light. Two of one name are the same."""

    name: str
    curve: Curve
    system_gamma: float = 1.0
    """Of luminance, where the curve gives the light of the scene and not that of the display."""
    white: float = 1.0
    """How much of the page's white the light 1.0 is."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transfer) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def srgb_to_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Source: IEC 61966-2-1."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def light_to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Source: IEC 61966-2-1."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The light of the display, 1.0 being 10,000 cd/m2. Source: ITU-R BT.2100-2, table 4 (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power: NDArray[np.float64] = signal ** (1 / m2)
    return np.asarray((np.maximum(power - c1, 0.0) / (c2 - c3 * power)) ** (1 / m1))


def _hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The light of the scene. Source: ITU-R BT.2100-2, table 5, the inverse OETF."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _smpte_240m(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Source: SMPTE 240M, the inverse of its camera's curve."""
    return np.where(signal <= 0.0913, signal / 4, ((signal + 0.1115) / 1.1115) ** (1 / 0.45))


def power(exponent: float) -> Transfer:
    """A plain gamma, and linear light where it is 1."""
    return Transfer(f"gamma {exponent:.5g}", lambda signal: signal**exponent)


SRGB = Transfer("sRGB", srgb_to_light)
PQ = Transfer("PQ", _pq, white=PQ_PEAK_NITS / REFERENCE_WHITE_NITS)
HLG = Transfer("HLG", _hlg, HLG_SYSTEM_GAMMA, HLG_PEAK_NITS / REFERENCE_WHITE_NITS)
SMPTE_240M = Transfer("SMPTE 240M", _smpte_240m)
CINEMA = Transfer("SMPTE ST 428", lambda signal: np.minimum(signal**2.6 * 52.37 / 48, 1.0))

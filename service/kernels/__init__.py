"""The innermost loops over pixels, and of convolutions, compiled: less time, and no lock of Python's.

`kernels.c` is what `make kernels` compiles, once for all Linux on x86-64 with AVX2, and needs nothing of the system's.
Everywhere else the same is computed with numpy, by the functions that the C names. `winograd.c`, called by `steps.py`,
is for networks; elsewhere they are OpenVINO's. `provenance.md` has more.
"""

from service.kernels.arrays import Blended
from service.kernels.edge import Layers
from service.kernels.library import compiled_kernels, with_numpy
from service.kernels.loops import Kernels
from service.kernels.sizes import Taps

__all__ = ["Blended", "Kernels", "Layers", "Taps", "compiled_kernels", "with_numpy"]

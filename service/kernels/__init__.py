"""The innermost loops over pixels, compiled: less time than numpy or Pillow, and no lock of Python's.

`kernels.c` is what `make kernels` compiles, once for all Linux on x86-64 with AVX2, and needs nothing of the system's.
Everywhere else the same is computed with numpy, by the functions that the C names. `provenance.md` has more.
"""

from service.kernels.library import compiled_kernels, with_numpy
from service.kernels.loops import Blended, Found, Kernels, Layers, Part, Taps, Window

__all__ = ["Blended", "Found", "Kernels", "Layers", "Part", "Taps", "Window", "compiled_kernels", "with_numpy"]

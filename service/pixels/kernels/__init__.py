"""The innermost loops of refinement and of unmixing colours, compiled: less time than numpy, and no lock of Python's.

`kernels.c` is what `make kernels` compiles, once for all Linux on x86-64 with AVX2, and needs nothing of the system's.
Everywhere else the same is computed with numpy, by the functions that the C names. `provenance.md` has more.
"""

from service.pixels.kernels.library import Kernels, PackedLevel, Part, Window, compiled_kernels, with_numpy

__all__ = ["Kernels", "PackedLevel", "Part", "Window", "compiled_kernels", "with_numpy"]

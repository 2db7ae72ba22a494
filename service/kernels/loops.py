"""The compiled loops, by what they are about. Know nothing of pictures."""

import ctypes
from pathlib import Path

from service.kernels.edge import EdgeLoops
from service.kernels.painting import PaintingLoops
from service.kernels.rows import RowLoops
from service.kernels.sizes import SizeLoops


class Kernels:
    """Arrays are C-contiguous where nothing else is said, and what a method fills it changes in place. `kernels.c` says
    what each computes.

    ctypes lets go of the interpreter's lock while a function runs, and holds it for 10 to 20 microseconds around that.
    """

    def __init__(self, file: Path) -> None:
        library = ctypes.CDLL(str(file))
        self.edge = EdgeLoops(library)
        self.painting = PaintingLoops(library)
        self.rows = RowLoops(library)
        self.sizes = SizeLoops(library)

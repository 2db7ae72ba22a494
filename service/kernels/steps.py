"""Runs the steps of a convolutional network in bytes, which `winograd.c` computes, on as many threads as are free.

Knows nothing of networks: `models/engines/winograd.py` makes the steps.
"""

import ctypes
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.kernels.arena import Bytes, aligned
from service.kernels.library import NEEDED_FLAGS, cpu_flags, is_linux_on_x86_64, is_of_this_version

LIBRARY = Path(__file__).with_name("winograd-linux-x86_64.so")
LIBRARY_SHA256 = "644e456683e2a1020dc12b7438c89e64004356610f2d18bd7351c171a5766e16"
"""Of what this file knows how to call; `make kernels` writes it here."""

BETTER_FLAGS = {"avx512f", "avx_vnni", "avx512_vnni", "amx_int8"}
"""Where the processor has one of these, OpenVINO multiplies bytes faster: it was measured on AVX2 only."""

WORTH_A_THREAD = 20_000_000
"""Products of a step from which on other threads are asked to help: some 0.1 ms of one thread. Asking takes 0.03."""


class Kind(IntEnum):
    """As in `winograd.c`."""

    CONVOLVE = 0
    BEGIN = 1
    HALVE = 2
    DOUBLE = 3


class _Step(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_long),
        ("input", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("in_stride", "height", "width", "channels")),
        ("out", ctypes.c_void_p),
        *((name, ctypes.c_long) for name in ("out_stride", "outputs", "tile", "dilation", "tiles", "group")),
        *((name, ctypes.c_void_p) for name in ("weights", "scales", "biases", "added")),
        ("added_stride", ctypes.c_long),
        ("plane", ctypes.c_void_p),
    )


class Step(NamedTuple):
    """One step, whose arrays stay where they are: (h, w, channels) of bytes, but for what `winograd.c` says."""

    kind: Kind
    source: NDArray[Any]
    size: tuple[int, int]
    """Height and width of what goes in, without what stands around it."""
    target: NDArray[Any]
    """Bytes, or floats for the first output of a convolution alone: (height, width)."""
    weights: NDArray[Any] | None = None
    scales: NDArray[np.float32] | None = None
    biases: NDArray[np.float32] | None = None
    added: Bytes | None = None
    tile: int = 0
    dilation: int = 1
    tiles: int = 0
    group: int = 0

    @property
    def products(self) -> int:
        """How much work it is, roughly."""
        return self.source.size * (1 if self.weights is None else self.target.shape[-1] * 4)

    @property
    def scratch_bytes(self) -> int:
        return (self.tile + 2) ** 2 * (self.tiles + 2) * (64 + 2 * self.source.shape[2]) if self.tiles else 0

    def as_c(self) -> _Step:
        is_plane = self.target.dtype == np.float32
        return _Step(
            self.kind,
            _address(self.source),
            self.source.strides[1],
            *self.size,
            self.source.shape[2],
            None if is_plane else _address(self.target),
            0 if is_plane else self.target.strides[1],
            self.target.shape[2] if self.biases is None else self.biases.size,
            self.tile,
            self.dilation,
            self.tiles,
            self.group,
            _address(self.weights),
            _address(self.scales),
            _address(self.biases),
            _address(self.added),
            0 if self.added is None else self.added.strides[1],
            _address(self.target) if is_plane else None,
        )


class Steps:
    """All of them, one after the other, for one caller at a time. What they point to is kept with them."""

    def __init__(self, steps: Sequence[Step], threads: int) -> None:
        """Raises RuntimeError where `can_run` is False."""
        compute = _compute()
        if compute is None:
            raise RuntimeError("no steps were compiled for this machine")
        self._compute = compute
        self._kept = steps
        self._steps = [(step.as_c(), step.products > WORTH_A_THREAD) for step in steps]
        scratch_bytes = max(step.scratch_bytes for step in steps)
        self._scratches = [aligned(scratch_bytes) for _ in range(threads)]
        self._helpers = ThreadPoolExecutor(threads - 1, "network") if threads > 1 else None

    def run(self) -> None:
        for step, is_worth_a_thread in self._steps:
            self._run_one(step, is_worth_a_thread)

    def _run_one(self, step: _Step, is_worth_a_thread: bool) -> None:
        """A helper that has not begun when all is done is not waited for: it had no core."""
        begun = ctypes.c_long(0)
        helping: list[Future[None]] = []
        if self._helpers is not None and is_worth_a_thread:
            helping = [self._helpers.submit(self._take_part, step, begun, mine) for mine in self._scratches[1:]]
        self._take_part(step, begun, self._scratches[0])
        for helper in helping:
            if not helper.cancel():
                helper.result()

    def _take_part(self, step: _Step, begun: ctypes.c_long, scratch: Bytes) -> None:
        self._compute(ctypes.byref(step), ctypes.byref(begun), scratch.ctypes.data)


def can_run() -> bool:
    """Whether this was built for the machine, and is the fastest way there."""
    return _compute() is not None


@cache
def _compute() -> Any:
    flags = cpu_flags()
    if not is_linux_on_x86_64() or not flags >= NEEDED_FLAGS or flags & BETTER_FLAGS:
        return None
    return load(LIBRARY)


def load(file: Path) -> Any:
    """The function `compute`; None where it is another library than this process began with."""
    if not is_of_this_version(file, LIBRARY_SHA256):
        return None
    function = ctypes.CDLL(str(file)).compute
    function.argtypes, function.restype = (ctypes.c_void_p,) * 3, None
    return function


def _address(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data

"""Weights in memory that processes share."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.kernels.arena import Arena
from service.models.engines.shared_weights import SharedWeights

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory without a name, that is sealed, is Linux's")

DIES = """
import os, sys
from service.models.engines.shared_weights import SharedWeights

def network(arena):
    arena.take((3, 5))[:] = 1
    os._exit(9)

SharedWeights(int(sys.argv[1])).lay_out(network)
"""


class Network:
    """Two arrays, and how often it was asked to fill them."""

    def __init__(self) -> None:
        self.fillings = 0

    def __call__(self, arena: Arena) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        levels, numbers = arena.take((3, 5)), arena.take((7,), np.float32)
        if not arena.is_filled:
            self.fillings += 1
            levels[:], numbers[:] = 7, 0.5
        return levels, numbers


def test_the_first_fills_them_and_all_read_the_same() -> None:
    weights, network = SharedWeights.create(), Network()
    for levels, numbers in (weights.lay_out(network), weights.lay_out(network)):
        assert (levels == 7).all()
        assert (numbers == 0.5).all()
        assert numbers.ctypes.data % 64 == 0
    assert network.fillings == 1


def test_nobody_writes_to_them_any_more() -> None:
    weights = SharedWeights.create()
    levels, _ = weights.lay_out(Network())
    assert weights.is_sealed
    with pytest.raises(ValueError, match="read-only"):
        levels[0, 0] = 1


def test_whoever_is_killed_while_filling_them_leaves_that_to_the_next(tmp_path: Path) -> None:
    weights, network = SharedWeights.create(), Network()
    handle = weights._handle  # as a new process gets it
    died = subprocess.run([sys.executable, "-c", DIES, str(handle)], pass_fds=[handle], check=False)
    assert died.returncode == 9
    assert not weights.is_sealed
    levels, _ = weights.lay_out(network)
    assert (levels == 7).all()
    assert network.fillings == 1


def test_whoever_fails_to_fill_them_leaves_that_to_the_next() -> None:
    def fails(arena: Arena) -> None:
        arena.take((3, 5))[:] = 1
        raise ValueError("no network")

    weights = SharedWeights.create()
    with pytest.raises(ValueError, match="no network"):
        weights.lay_out(fails)
    levels, _ = weights.lay_out(Network())
    assert (levels == 7).all()

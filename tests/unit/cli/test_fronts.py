"""The port that several fronts share, and nobody else."""

import socket

import pytest

from service.cli.fronts import reserved


def test_a_port_that_somebody_has_is_not_shared_with_them() -> None:
    with reserved("127.0.0.1", 0) as listener:
        listener.listen()
        with pytest.raises(OSError, match="in use"), reserved("127.0.0.1", listener.getsockname()[1]):
            pass


def test_a_port_stays_ours_as_long_as_there_are_fronts() -> None:
    with reserved("127.0.0.1", 0) as listener, socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(listener.getsockname())

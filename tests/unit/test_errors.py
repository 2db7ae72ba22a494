"""What is said of a failure where whoever raises it adds nothing."""

import pytest

from service.errors import (
    DeadlineExceeded,
    Draining,
    Failure,
    ModelCrashed,
    ModelFailed,
    OutOfDeviceMemory,
    QueueFull,
    UnknownKey,
)


@pytest.mark.parametrize("kind", [DeadlineExceeded, Draining, ModelCrashed, ModelFailed, OutOfDeviceMemory, UnknownKey])
def test_a_failure_of_which_nobody_says_more_says_what_can_be_done(kind: type[Failure]) -> None:
    assert kind().detail == str(kind()) == f"{kind.title}: {kind.advice}"
    assert kind.advice


def test_what_somebody_says_of_a_failure_takes_the_place_of_that() -> None:
    assert Draining("the pool is closing").detail == "the pool is closing"
    assert QueueFull().detail == QueueFull.title

"""The simulated hand: it goes for the largest error, and paints over nothing that is right."""

import numpy as np
import pytest

from benchmarks.quality.hand import HANDS


@pytest.mark.parametrize("name", HANDS)
@pytest.mark.parametrize("keep", [True, False])
def test_a_gesture_lies_within_the_largest_error(name: str, keep: bool) -> None:
    right = np.zeros((80, 120), np.bool_)
    right[20:60, 20:60] = True
    wrong = right.copy()
    wrong[30:50, 60:110] = True
    wrong[20:23, 20:23] = False
    found, truth = (right, wrong) if keep else (wrong, right)
    gesture = HANDS[name](found, truth)
    assert gesture is not None
    assert gesture.keep == keep
    painted = np.asarray(gesture.drawn((120, 80))) > 0
    assert painted.any()
    assert not painted[found == truth].any()
    assert name == "click" or np.ptp(np.nonzero(painted)[1]) > 30


@pytest.mark.parametrize("name", HANDS)
def test_where_all_is_right_there_is_nothing_to_do(name: str) -> None:
    right = np.eye(9, dtype=np.bool_)
    assert HANDS[name](right, right) is None

"""What benchmarks/peers/compare.py and benchmarks/reliability/overload.py make of their measurements."""

import math

import numpy as np
import pytest

from benchmarks.peers import compare
from benchmarks.peers.agreement import Agreement, agreement
from benchmarks.peers.cells import Cell
from benchmarks.peers.contenders import CONTENDERS, REMBG
from benchmarks.peers.report import rows
from benchmarks.peers.results import Goal, Results
from benchmarks.reliability import overload

FULL_LOAD = ("1080p", 16)


def cell(server: str, goodput: float, peak_rss_mb: float, concurrency: int = 16) -> Cell:
    return Cell(server, "1080p", concurrency, goodput, 1, 2, 0, peak_rss_mb, peak_rss_mb, 1)


def failed(server: str) -> Cell:
    return Cell(server, *FULL_LOAD, failure="it did not start")


def test_rounds_are_summed_up_by_their_median_and_their_largest_peak() -> None:
    results = Results([cell(REMBG, 1, 5), cell(REMBG, 9, 7), cell(REMBG, 2, 6), cell("silhouette", 8, 8)])
    assert results.figure(REMBG, FULL_LOAD, "goodput") == 2
    assert results.figure(REMBG, FULL_LOAD, "peak_rss_mb") == 7


def test_a_round_that_failed_does_not_count() -> None:
    results = Results([failed(REMBG), cell(REMBG, 2, 6), failed("silhouette")])
    assert results.figure(REMBG, FULL_LOAD, "goodput") == 2
    assert math.isnan(results.figure("silhouette", FULL_LOAD, "goodput"))
    assert [each.server for each in results.failures()] == [REMBG, "silhouette"]
    assert [(row[2], row[3], row[-1]) for row in rows(results)] == [(REMBG, "2.00", "1"), ("silhouette", "-", "0")]


def test_overload_is_compared_with_our_best_and_their_memory() -> None:
    calm, full = [cell("silhouette", 2.0, 10, 4), cell(REMBG, 1, 50, 4)], [cell(REMBG, 1, 100)]
    good = overload.goals(Results([*calm, *full, cell("silhouette", 1.9, 24)]), (4, 16))
    bad = overload.goals(Results([*calm, *full, cell("silhouette", 1.8, 26)]), (4, 16))
    assert [goal.met for goal in good] == [True, True]
    assert [goal.met for goal in bad] == [False, False]


@pytest.mark.parametrize(("figure", "found"), [("goodput", 2.0), ("peak_rss_mb", 0.25)])
def test_a_promise_is_a_ratio_to_the_peer_in_the_same_run(figure: str, found: float) -> None:
    promise = compare.Promise("silhouette", REMBG, FULL_LOAD, figure, found)
    kept, broken = ([cell("silhouette", *mine), cell(REMBG, 2, 100)] for mine in ((4, 25), (3.9, 26)))
    assert promise.goal(Results(kept)).found == found
    assert promise.goal(Results(kept)).met
    assert not promise.goal(Results(broken)).met


def test_a_promise_about_a_server_that_failed_is_not_kept() -> None:
    (goal,) = [
        goal
        for goal in compare.goals(Results([failed("silhouette int8"), cell(REMBG, 1, 1)]))
        if "goodput" in goal.promise
    ]
    assert math.isnan(goal.found)
    assert str(goal).startswith("MISS")
    assert not Goal("", math.nan, 1, at_least=False).met


def test_every_promise_names_servers_and_loads_that_are_measured() -> None:
    assert {each.ours for each in compare.PROMISES} | {each.peer for each in compare.PROMISES} <= set(CONTENDERS)
    assert {each.load for each in compare.PROMISES} == {match.load for match in compare.FULL}


def test_cutouts_agree_as_far_as_their_alpha_does() -> None:
    half = np.zeros((4, 4), np.float32)
    half[:2] = 1
    third = half.copy()
    third[1] = 0
    assert agreement("same", [half], [half]) == Agreement("same", 1.0, 0.0)
    assert agreement("half as large", [third], [half]) == Agreement("half as large", 0.5, 0.25)

"""Answers that are kept, and what they are found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.cache import ENTRY_OVERHEAD_BYTES, AnswerCache, fingerprint
from service.operations.blur_background import BlurBackgroundOptions
from service.operations.color_pop import ColorPopOptions
from service.operations.options import parse_options
from service.operations.remove_background import RemoveBackgroundOptions
from service.telemetry.metrics import Metrics

CUTOUT = parse_options(RemoveBackgroundOptions, {})


def cache(bodies: int, body_bytes: int = 100) -> AnswerCache[bytes]:
    """Room for so many answers of that size."""
    return AnswerCache(bodies * (body_bytes + ENTRY_OVERHEAD_BYTES), Metrics())


def test_what_was_put_is_found_again() -> None:
    kept = cache(2)
    kept.put("a", b"A", 100)
    assert kept.get("a") == b"A"
    assert kept.get("b") is None


def test_the_least_recently_used_goes_first() -> None:
    kept = cache(2)
    kept.put("a", b"A", 100)
    kept.put("b", b"B", 100)
    kept.get("a")
    kept.put("c", b"C", 100)
    assert [kept.get(key) for key in "abc"] == [b"A", None, b"C"]


def test_an_answer_larger_than_the_cache_displaces_nothing() -> None:
    kept = cache(2)
    kept.put("a", b"A", 100)
    kept.put("huge", b"H", 10_000)
    assert [kept.get(key) for key in ("a", "huge")] == [b"A", None]


def test_the_same_answer_again_takes_no_more_room() -> None:
    kept = cache(2)
    for _ in range(5):
        kept.put("a", b"A", 100)
    kept.put("b", b"B", 100)
    assert kept.get("a") == b"A"


def test_without_room_nothing_is_kept_or_counted() -> None:
    metrics = Metrics()
    off: AnswerCache[bytes] = AnswerCache(0, metrics)
    off.put("a", b"A", 1)
    assert off.get("a") is None
    assert b'silhouette_cache_lookups_total{result="miss"} 0.0' in metrics.render()


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3000)), max_size=40))
def test_the_bytes_in_use_never_exceed_the_limit(puts: list[tuple[str, int]]) -> None:
    metrics = Metrics()
    kept: AnswerCache[bytes] = AnswerCache(5000, metrics)
    for key, body_bytes in puts:
        kept.put(key, b"", body_bytes)
        line = next(each for each in metrics.render().splitlines() if each.startswith(b"silhouette_cache_bytes "))
        assert float(line.split()[1]) <= 5000


BASE = fingerprint(b"photo", {}, CUTOUT, ["png"], "u2net@1")


@pytest.mark.parametrize(
    "other",
    [
        fingerprint(b"other", {}, CUTOUT, ["png"], "u2net@1"),
        fingerprint(b"photo", {"background": b""}, CUTOUT, ["png"], "u2net@1"),
        fingerprint(b"photo", {}, parse_options(RemoveBackgroundOptions, {"crop": True}), ["png"], "u2net@1"),
        fingerprint(b"photo", {}, CUTOUT, ["webp", "png"], "u2net@1"),
        fingerprint(b"photo", {}, CUTOUT, ["png"], "u2net@1+int8"),
    ],
)
def test_whatever_an_answer_depends_on_is_in_its_fingerprint(other: str) -> None:
    assert other != BASE


def test_the_same_options_of_two_operations_are_not_the_same() -> None:
    blur, pop = parse_options(BlurBackgroundOptions, {}), parse_options(ColorPopOptions, {})
    assert fingerprint(b"photo", {}, blur, [], "u2net@1") != fingerprint(b"photo", {}, pop, [], "u2net@1")


def test_parts_do_not_run_together() -> None:
    assert fingerprint(b"ab", {"background": b"c"}, CUTOUT, [], "m") != fingerprint(
        b"a", {"background": b"bc"}, CUTOUT, [], "m"
    )


def test_a_default_that_is_spelled_out_is_the_same_question() -> None:
    assert (
        fingerprint(b"photo", {}, parse_options(RemoveBackgroundOptions, {"crop": "false"}), ["png"], "u2net@1") == BASE
    )

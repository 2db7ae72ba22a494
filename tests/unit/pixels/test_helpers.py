"""Threads that have nothing to do help with a large picture, and nobody sees from an answer which of them did what."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from skimage import data

from service.models.labels import Box, Size
from service.pixels.encoders import encode_png
from service.pixels.refinement import refine
from service.pixels.subject import Blend, cut_out
from service.pixels.threads import Helpers, in_parts, of_each_part, strips

PATIENCE_S = 60.0


@pytest.fixture
def helpers() -> Iterator[Helpers]:
    found = Helpers(3, spare=lambda: 3)
    yield found
    found.close()


InParts = Callable[[Callable[[int], object], Sequence[int]], Iterable[object]]

ways = pytest.mark.parametrize("way", [in_parts, of_each_part])


@ways
def test_parts_come_out_in_order_whoever_did_them(helpers: Helpers, way: InParts) -> None:
    assert helpers.run(lambda: list(way(lambda part: part * part, range(50)))) == [n * n for n in range(50)]


@ways
def test_several_threads_are_at_it_at_once(helpers: Helpers, way: InParts) -> None:
    everybody = threading.Barrier(4)

    def meet(part: int) -> int:
        everybody.wait(PATIENCE_S)
        return threading.get_ident()

    assert len(set(helpers.run(lambda: list(way(meet, range(4)))))) == 4


@ways
@pytest.mark.parametrize("spare", [0, -1])
def test_where_no_thread_is_to_spare_one_does_it_all(spare: int, way: InParts) -> None:
    helpers = Helpers(3, spare=lambda: spare)
    found = helpers.run(lambda: list(way(lambda part: threading.get_ident(), range(9))))
    helpers.close()
    assert set(found) == {threading.get_ident()}


def test_who_is_done_takes_the_next_part_while_another_is_at_a_long_one() -> None:
    helpers, all_others_done = Helpers(1, spare=lambda: 1), threading.Event()

    def work(part: int) -> None:
        if part == 0:
            assert all_others_done.wait(PATIENCE_S)
        elif part == 8:
            all_others_done.set()

    assert helpers.run(lambda: of_each_part(work, range(9))) == [None] * 9
    helpers.close()


@settings(deadline=None)
@given(rows=st.integers(0, 5000), step=st.integers(1, 200), spare=st.integers(0, 9))
def test_strips_are_all_rows_and_as_many_as_there_is_somebody_for(rows: int, step: int, spare: int) -> None:
    helpers = Helpers(1, spare=lambda: spare)
    found = helpers.run(lambda: strips(rows, step))
    helpers.close()
    assert [row for top, bottom in found for row in range(top, bottom)] == list(range(rows))
    assert all(top % step == 0 for top, _ in found)
    assert len(found) <= (1 if not spare else 4 * (1 + spare))


@ways
def test_a_helper_that_has_not_begun_is_not_waited_for(way: InParts) -> None:
    helpers, busy = Helpers(1, spare=lambda: 1), threading.Event()
    (elsewhere,) = helpers.lend(lambda part: busy.wait(PATIENCE_S), [0])
    assert helpers.run(lambda: list(way(lambda part: part, range(9)))) == list(range(9))
    assert not elsewhere.done()
    busy.set()
    helpers.close()


@ways
@pytest.mark.parametrize("bad", range(6))
def test_what_fails_ends_all_and_no_helper_is_still_at_it(helpers: Helpers, bad: int, way: InParts) -> None:
    at_work: set[int] = set()

    def fail(part: int) -> None:
        at_work.add(part)
        try:
            if part == bad:
                raise ValueError(part)
        finally:
            at_work.remove(part)

    with pytest.raises(ValueError, match=str(bad)):
        helpers.run(lambda: list(way(fail, range(6))))
    assert not at_work


def photo() -> Image.Image:
    """Large enough for several parts of each kind."""
    return Image.fromarray(data.astronaut()).resize((1600, 1200))


def cutout() -> bytes:
    picture = photo()
    blurred = picture.convert("L").resize((64, 48)).filter(ImageFilter.GaussianBlur(3))
    plane = np.asarray(blurred, np.float32) / np.float32(255)
    matte = refine(plane, Box(0, 0, 64, 48), Size(64, 48), picture)
    return encode_png(cut_out(Blend(picture, matte, matte), decontaminate=True))


@pytest.mark.parametrize("work", [cutout, lambda: encode_png(photo())], ids=["cutout", "photo"])
def test_answers_are_the_same_bytes_with_helpers_and_without(helpers: Helpers, work: Callable[[], bytes]) -> None:
    assert helpers.run(work) == work()

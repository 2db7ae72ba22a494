"""A film whose process is killed in the middle of it: what becomes of that film, of another one, and of photos."""

import asyncio
import multiprocessing
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from service.errors import JobCrashed, UndecodableVideo, UnsupportedVideo
from service.queue.schedule import Lane
from service.video.apart.films import MOST_DEATHS, FilmsApart
from service.video.apart.orders import Check, Make
from service.video.files import unfinished
from service.video.watch import Progress, Watch
from tests.clips import read_alpha, red_square, write_clip
from tests.unit.video.conftest import LIMITS, Maker

FRAMES = 40
FATAL_FRAME = 20


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("film") / "long.mkv", red_square(FRAMES, step_px=0), codec="ffv1")


def films_of(maker: Maker) -> FilmsApart:
    return FilmsApart(maker.engine.batcher, lambda: "cpu")


def order(maker: Maker, source: Path, result: Path) -> Make:
    return Make(
        str(source),
        LIMITS.pixels,
        LIMITS.seconds,
        result=str(result),
        background=None,
        matte=None,
        options={"speed": "fastest"},
        card=maker.engine.pipeline.catalogue.card(None).model_dump(mode="json"),
        places=2,
    )


@dataclass
class Killer:
    """Kills the process of the film that waits for its `FATAL_FRAME`th frame, which does not come before that."""

    times: int
    others: set[int] = field(default_factory=lambda: film_pids())
    """Processes of other films, which are left alone."""
    frames: int = 0
    killed: set[int] = field(default_factory=set)

    async def before_frame(self, pixels: int) -> None:
        self.frames += 1
        if self.frames == FATAL_FRAME and len(self.killed) < self.times:
            self.frames = 0
            (pid,) = film_pids() - self.others
            self.killed.add(pid)
            os.kill(pid, 9)
            await asyncio.Event().wait()


def film_pids() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.name == "film" and child.pid}


def test_a_film_whose_process_is_killed_goes_on_where_it_was(maker: Maker, film: Path, tmp_path: Path) -> None:
    apart, killer, looks = films_of(maker), Killer(1), maker.looks()
    watch = Watch(before_frame=killer.before_frame)
    made = maker.runner.run(apart.make(order(maker, film, tmp_path / "cut.webm"), watch))
    assert (made.frames, len(killer.killed)) == (FRAMES, 1)
    assert [alpha[48, 50] for alpha in read_alpha(tmp_path / "cut.webm")] == [255] * FRAMES
    assert maker.looks() - looks < FRAMES + FATAL_FRAME // 2
    assert not killer.killed & film_pids()


def test_another_film_and_photos_notice_nothing(maker: Maker, film: Path, tmp_path: Path) -> None:
    """The other one is in the middle when it happens."""
    apart = films_of(maker)
    card = maker.engine.pipeline.catalogue.card(None)
    photo = np.zeros((card.input.height, card.input.width, 3), np.uint8)

    async def both() -> tuple[int, int]:
        is_on_its_way, may_go_on = asyncio.Event(), asyncio.Event()

        async def wait_for_it(pixels: int) -> None:
            is_on_its_way.set()
            await may_go_on.wait()

        other = asyncio.create_task(
            apart.make(order(maker, film, tmp_path / "other.webm"), Watch(before_frame=wait_for_it))
        )
        await is_on_its_way.wait()
        killer = Killer(1)
        watch = Watch(before_frame=killer.before_frame)
        victim = asyncio.create_task(apart.make(order(maker, film, tmp_path / "victim.webm"), watch))
        while not killer.killed:
            await maker.engine.batcher.predict(card.key, photo, time.monotonic() + 60, Lane.INTERACTIVE)
        may_go_on.set()
        return (await other).frames, (await victim).frames

    assert maker.runner.run(both()) == (FRAMES, FRAMES)
    other, victim = [np.stack(read_alpha(tmp_path / f"{name}.webm")) for name in ("other", "victim")]
    assert np.array_equal(other, victim)


def test_a_film_that_ends_its_process_each_time_is_given_up_in_words(maker: Maker, film: Path, tmp_path: Path) -> None:
    killer, result = Killer(MOST_DEATHS), tmp_path / "cut.webm"
    with pytest.raises(JobCrashed, match=r"ended 3 times .*SIGKILL.*memory"):
        maker.runner.run(films_of(maker).make(order(maker, film, result), Watch(before_frame=killer.before_frame)))
    assert len(killer.killed) == MOST_DEATHS
    assert not killer.killed & film_pids()
    assert not result.exists()
    assert not unfinished(result).exists()


def test_a_film_that_is_cancelled_leaves_no_process_and_no_half_of_it(maker: Maker, film: Path, tmp_path: Path) -> None:
    result, before = tmp_path / "cut.webm", film_pids()

    async def cancelled() -> set[int]:
        heard: asyncio.Queue[Progress] = asyncio.Queue()
        making = asyncio.create_task(
            films_of(maker).make(order(maker, film, result), Watch(on_progress=heard.put_nowait))
        )
        await heard.get()
        pids = film_pids() - before
        making.cancel()
        await asyncio.wait([making])
        return pids

    assert maker.runner.run(cancelled())
    assert film_pids() <= before
    assert not unfinished(result).exists()


def test_a_film_that_ends_the_process_which_looks_at_it_is_refused(maker: Maker, tmp_path: Path) -> None:
    """It is a pipe, at whose end it waits for ever."""
    os.mkfifo(tmp_path / "film.mp4")
    before = film_pids()

    async def check() -> None:
        checking = asyncio.create_task(films_of(maker).check(Check(str(tmp_path / "film.mp4"), LIMITS.pixels, None)))
        await asyncio.sleep(0)  # then the process is there
        (pid,) = film_pids() - before
        os.kill(pid, 9)
        await checking

    with pytest.raises(UndecodableVideo, match="SIGKILL"):
        maker.runner.run(check())


def test_what_is_wrong_with_a_film_crosses_over_and_the_process_that_checked_a_good_one_makes_it(
    maker: Maker, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "none.mp4").write_bytes(b"no film at all")
    apart, before = films_of(maker), film_pids()
    with pytest.raises(UnsupportedVideo, match="no film"):
        maker.runner.run(apart.check(Check(str(tmp_path / "none.mp4"), LIMITS.pixels, None)))
    assert film_pids() <= before

    async def checked_and_made() -> tuple[set[int], set[int]]:
        await apart.check(Check(str(film), LIMITS.pixels, None))
        checked, killer = film_pids() - before, Killer(1, before)
        await apart.make(order(maker, film, tmp_path / "cut.webm"), Watch(before_frame=killer.before_frame))
        return checked, killer.killed

    checked, killed = maker.runner.run(checked_and_made())
    assert checked == killed
    assert film_pids() <= before

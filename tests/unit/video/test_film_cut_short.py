"""Films that are cut short, or refused after that: no half film is there, and nothing is looked at twice."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from service.errors import UnsupportedImage
from service.video.watch import Progress, Watch
from tests.clips import read_alpha
from tests.unit.video.conftest import FRAMES, LIMITS, Maker


def test_work_that_was_cut_short_goes_on_and_the_film_is_the_same(maker: Maker, clip: Path, tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole.webm", tmp_path / "resumed.webm"
    maker.make(clip, whole)
    with pytest.raises(asyncio.CancelledError):
        maker.runner.run(cut_short(maker, clip, resumed))
    assert not resumed.exists()
    before = maker.looks()
    maker.make(clip, resumed)
    assert maker.looks() - before < FRAMES
    assert read_alpha(resumed)[5].tolist() == read_alpha(whole)[5].tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resumed.webm", "whole.webm"]


async def cut_short(maker: Maker, clip: Path, result: Path, **given: Any) -> None:
    """After the first frame was written."""
    task: asyncio.Task[object]

    def stop(progress: Progress) -> None:
        task.cancel()

    task = asyncio.create_task(maker.making(clip, result, limits=LIMITS, watch=Watch(on_progress=stop), **given))
    await task


def test_a_folder_that_was_cut_short_is_not_there(maker: Maker, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(asyncio.CancelledError):
        maker.runner.run(cut_short(maker, clip, tmp_path / "frames", format="png"))
    assert [path.name for path in tmp_path.iterdir()] == [".frames.silhouette-mattes"]


def test_a_refusal_leaves_what_an_earlier_try_has_looked_at(maker: Maker, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(asyncio.CancelledError):
        maker.runner.run(cut_short(maker, clip, tmp_path / "new.webm"))
    (mattes,) = tmp_path.iterdir()
    kept = mattes.read_bytes()
    with pytest.raises(UnsupportedImage):
        maker.make(clip, tmp_path / "new.webm", effect="replace-background", background=b"no picture")
    assert mattes.read_bytes() == kept


def test_what_is_there_already_stays_until_a_whole_film_takes_its_place(
    maker: Maker, clip: Path, tmp_path: Path
) -> None:
    result = tmp_path / "cut.webm"
    result.write_bytes(b"an earlier one")
    with pytest.raises(asyncio.CancelledError):
        maker.runner.run(cut_short(maker, clip, result))
    assert result.read_bytes() == b"an earlier one"

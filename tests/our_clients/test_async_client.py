"""The client for Python that is awaited does what the other one does."""

import asyncio
from pathlib import Path

import pytest
from silhouette_client import AsyncClient, Client, Job, JobFailed, NoForeground, Operation, Result

from tests.clips import read_pictures
from tests.fakes import DARK
from tests.our_clients.answers import CHANGES, GONE, MINE, OK, PICTURE, busy
from tests.our_clients.conftest import scripted
from tests.pictures import HEIGHT, WIDTH, encoded, plain


async def _by_a_job(url: str) -> bytes:
    async with AsyncClient(url) as silhouette:
        job = await silhouette.wait(await silhouette.submit("color-pop", PICTURE))
        return (await silhouette.result_of(job)).content


def test_a_job_is_awaited_too(url: str) -> None:
    with Client(url) as silhouette:
        assert asyncio.run(_by_a_job(url)) == silhouette.color_pop(PICTURE).content


@pytest.mark.anyio
async def test_models_are_changed_by_their_names_asynchronously() -> None:
    with scripted(MINE, MINE, GONE) as script:
        async with AsyncClient(script.url) as silhouette:
            assert await silhouette.load_model("mine") == await silhouette.set_default_model("mine") == {"name": "mine"}
            await silhouette.unload_model("mi/ne")
    assert script.lines == CHANGES


@pytest.mark.anyio
async def test_the_async_client_does_films_too(url: str, film: Path, tmp_path: Path) -> None:
    heard: list[Job] = []
    async with AsyncClient(url) as silhouette:
        sent = await silhouette.send_video(film, output="matte", format="mp4", speed="fastest")
        made = await silhouette.wait(sent, on_progress=heard.append, poll_s=0.05)
        await silhouette.save_result(made, tmp_path / "matte.mp4")
        with pytest.raises(JobFailed, match="cancelled"):
            await silhouette.save_result(await silhouette.cancel(await silhouette.send_video(film)), tmp_path / "none")
    assert len(read_pictures(tmp_path / "matte.mp4")) == 4
    assert all(job.id == sent.id for job in heard)


@pytest.mark.anyio
async def test_the_async_client_does_the_same(url: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PICTURE)
    operation: Operation = "remove-background"
    async with AsyncClient(url) as silhouette:
        assert (await silhouette.remove_background(path, output="matte")).array().shape == (HEIGHT, WIDTH)
        assert len(await silhouette.models()) >= 2
        with pytest.raises(NoForeground):
            await silhouette.blur_background(encoded(plain(DARK)))
        results = {name: result async for name, result in silhouette.batch(operation, [path, b"", PICTURE] * 2)}
        async for _ in silhouette.batch(operation, [PICTURE] * 9, concurrency=3):
            break
    assert {name: isinstance(result, Result) for name, result in results.items()} == {
        str(path): True,
        "1": False,
        "2": True,
        "4": False,
        "5": True,
    }


@pytest.mark.anyio
async def test_the_async_client_asks_again_too(url: str) -> None:
    with scripted(busy(**{"Retry-After": "0"}), OK) as script:
        async with AsyncClient(script.url, timeout_s=10) as silhouette:
            assert (await silhouette.segment(PICTURE)).content == PICTURE
    assert len(script.headers) == 2

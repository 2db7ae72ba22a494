"""The Batch tab in a real browser."""

import io
import zipfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FilePayload

from tests.browser.chromium import Studio, new_studio
from tests.fakes import make_store
from tests.pictures import encoded, opened, painted
from tests.system.loading import tiny_server


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def five_with_one_corrupt(photo: bytes) -> list[FilePayload]:
    names = ("astronaut.jpg", "corrupt.jpg", "person.jpg", "astronaut.jpg", "last.jpg")
    return [file(name, photo[: len(photo) // 2] if name == "corrupt.jpg" else photo) for name in names]


def add_and_start(studio: Studio, files: list[FilePayload]) -> None:
    studio.page.set_input_files("#batch-files", files)
    studio.page.click("#batch-start")


def states(studio: Studio) -> list[str]:
    found: list[str] = studio.page.eval_on_selector_all(".batch-item", "items => items.map(item => item.dataset.state)")
    return found


def downloaded_zip(studio: Studio) -> zipfile.ZipFile:
    with studio.page.expect_download() as download:
        studio.page.click("#batch-zip")
    return zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))


def test_a_corrupt_picture_says_so_and_the_others_come_as_a_zip(studio: Studio, astronaut: bytes) -> None:
    studio.excuse_status(422)
    studio.open("batch")
    studio.page.check("#batch-choices .tiles input[value='/blur-background']")
    add_and_start(studio, five_with_one_corrupt(astronaut))
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    assert states(studio) == ["done", "failed", "done", "done", "done"]
    assert "ends too early" in studio.page.inner_text(".batch-item[data-state=failed] .state")
    assert studio.page.inner_text("#batch-summary") == "4 of 5 done, 1 failed"
    with downloaded_zip(studio) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["astronaut.png", "person.png", "astronaut-2.png", "last.png"]
        assert all(opened(archive.read(name)).size == (512, 512) for name in archive.namelist())


def test_other_choices_make_the_results_stale(studio: Studio, astronaut: bytes) -> None:
    studio.open("batch")
    add_and_start(studio, [file("astronaut.jpg", astronaut)])
    studio.page.wait_for_selector("#batch-zip:not([hidden])")
    studio.page.check("#batch-choices .tiles input[value='/color-pop']")
    assert states(studio) == ["waiting"]
    assert studio.page.is_hidden("#batch-zip")


def test_a_busy_service_is_asked_again_when_it_says_so(browser: Browser, tmp_path: Path) -> None:
    """One request at a time is allowed, and three are made."""
    large = encoded(painted().resize((1600, 960), Image.Resampling.NEAREST))
    pictures = [file(f"{number}.png", large) for number in range(4)]
    with tiny_server(make_store(tmp_path), SILHOUETTE_QUEUE_CAPACITY="1") as server:
        studio = new_studio(browser, server.url)
        studio.excuse_status(503)
        refused: list[str] = []
        studio.page.on("response", lambda response: refused.extend([response.url] * (response.status == 503)))
        add_and_start(studio.open("batch"), pictures)
        studio.page.wait_for_selector("#batch-zip:not([hidden])")
        assert states(studio) == ["done"] * len(pictures)
        assert refused, "the service was never busy"
        studio.page.close()
        studio.check()

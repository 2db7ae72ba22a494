"""The Batch tab, as tests of it use it."""

import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import FilePayload

from tests.browser.chromium import PATIENCE_MS, Studio


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def add_and_start(studio: Studio, files: list[FilePayload]) -> None:
    studio.page.set_input_files("#batch-files", files)
    studio.page.click("#batch-start")


def states(studio: Studio) -> list[str]:
    found: list[str] = studio.page.eval_on_selector_all(".batch-item", "items => items.map(item => item.dataset.state)")
    return found


def wait_for(studio: Studio, happened: Callable[[], bool]) -> None:
    gives_up_at = time.monotonic() + PATIENCE_MS / 1000
    while not happened():
        assert time.monotonic() < gives_up_at
        studio.page.wait_for_timeout(10)


def downloaded_zip(studio: Studio) -> zipfile.ZipFile:
    with studio.page.expect_download() as download:
        studio.page.click("#batch-zip")
    return zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))


def choose(studio: Studio, path: str) -> None:
    studio.choose_operation(path, "batch")


def asked(studio: Studio) -> list[str]:
    """Grows by the path of each picture that is sent from here on."""
    paths: list[str] = []
    studio.page.on("request", lambda sent: paths.extend([urlsplit(sent.url).path] * (sent.method == "POST")))
    return paths

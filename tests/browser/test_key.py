"""The studio of a service that wants keys: it asks once, and keeps the key for this tab."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from service.access.keyring import Key, hash_of, write_keys
from tests.browser.chromium import new_studio
from tests.fakes import make_store
from tests.system.loading import tiny_server
from tests.system.serving import Server

KEY = "sil_of_the_test"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    keys: Path = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(keys, [Key("studio", frozenset({"images", "stream", "metrics"}), None, None, hash_of(KEY))])
    with tiny_server(make_store(tmp_path_factory.mktemp("store")), SILHOUETTE_KEYS_FILE=str(keys)) as started:
        yield started


def test_the_page_asks_for_a_key_once_and_keeps_it_for_the_tab(browser: Browser, guarded: Server) -> None:
    studio = new_studio(browser, guarded.url)
    studio.excuse_status(401)
    page = studio.page
    page.goto(guarded.url)
    page.fill("#trouble input", "sil_wrong")
    page.click("#trouble button")
    page.wait_for_selector("text=The service does not know this key")
    page.fill("#trouble input", KEY)
    page.click("#trouble button")
    page.wait_for_selector("#photo .strip.tiles input", state="attached")
    assert page.inner_text("#trouble") == ""
    page.reload()
    page.wait_for_selector("#photo .strip.tiles input", state="attached")
    assert page.locator("#trouble input").count() == 0
    page.close()
    studio.check()

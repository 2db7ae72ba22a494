"""What is shown while the network is still at work: what a small and quick one sees."""

import shutil
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.batch import wait_for
from tests.browser.chromium import Studio, new_studio
from tests.browser.test_photo import SKY, near
from tests.fakes import RED, make_store
from tests.pictures import HEIGHT, SUBJECT_BOX, WIDTH, encoded, painted
from tests.system.loading import tiny_server
from tests.system.serving import Server

GOOD, QUICK = "**/remove-background", "**/remove-background?model=u2netp"


@pytest.fixture(scope="module")
def two_sizes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a model that is asked by default, and one that is called u2netp."""
    store = make_store(tmp_path_factory.mktemp("store"))
    card = (store / "tiny-subject" / "card.toml").read_text()
    shutil.copytree(store / "tiny-subject", store / "u2netp")
    (store / "u2netp" / "card.toml").write_text(card.replace('name = "tiny-subject"', 'name = "u2netp"', 1))
    with tiny_server(store, SILHOUETTE_MODELS="tiny-subject,u2netp") as started:
        yield started


@pytest.fixture
def opened(browser: Browser, two_sizes: Server) -> Iterator[Studio]:
    studio = new_studio(browser, two_sizes.url).open()
    studio.choose_operation("/replace-background")
    yield studio
    studio.page.close()
    studio.check()


def test_a_quick_preview_is_shown_in_so_many_words_until_the_better_answer_comes(opened: Studio) -> None:
    picture = painted().resize((1000, 600), Image.Resampling.NEAREST)  # so large that it fills the stage
    waiting = opened.hold(GOOD)
    opened.choose_photo(encoded(picture), "painted.png", "image/png")
    opened.page.wait_for_selector("#photo-busy >> text=/quick preview by u2netp. tiny-subject is/")
    opened.draw_curtain(0)
    left, top, right, bottom = SUBJECT_BOX
    middle = (left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT
    aspect = WIDTH / HEIGHT
    assert near(opened.color_at("#photo-canvas", 0.02, 0.02, aspect), SKY)
    assert near(opened.color_at("#photo-canvas", *middle, aspect), RED)
    assert opened.page.is_hidden("#photo-recipe"), "it is not what a program would get"
    waiting[0].continue_()
    opened.wait_until_settled()
    assert opened.page.inner_text("#photo-facts").startswith("tiny-subject")


def test_a_preview_that_comes_late_is_not_waited_for(opened: Studio) -> None:
    better, quick = opened.hold(GOOD), opened.hold(QUICK)
    opened.choose_photo(encoded(painted()), "painted.png", "image/png")
    wait_for(opened, lambda: bool(better and quick))
    with opened.page.expect_event("requestfailed", lambda request: "u2netp" in request.url):
        better[0].continue_()
    opened.wait_until_settled()
    assert len(quick) == 1
    assert opened.page.inner_text("#photo-facts").startswith("tiny-subject")

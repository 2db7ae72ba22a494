"""One browser and one service for all of these tests, and a page of its own for each. Screenshots go to out/browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright
from skimage import data

from service.configuration_errors import MissingWeights
from service.models.store import ModelStore
from tests.browser.camera import write_film
from tests.browser.chromium import FAKE_CAMERA, Studio, find_chromium, new_studio, running_browser
from tests.fakes import make_store
from tests.pictures import encoded
from tests.system.loading import tiny_server
from tests.system.serving import Server, running_server
from tests.weights import REPOSITORY, model_card, pulled_weights

SCREENSHOTS = REPOSITORY / "out" / "browser"


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """For this package only: while it lives, the thread has a running event loop, which others would stumble over."""
    find_chromium()
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """With a camera before which an astronaut sways."""
    film = write_film(tmp_path_factory.mktemp("camera") / "astronaut.y4m")
    with running_browser(playwright, *FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}") as started:
        yield started


@pytest.fixture(scope="package")
def server(playwright: Playwright) -> Iterator[Server]:
    """With selfie, the default here because it is quick, and deeplab-voc where it was pulled; one live session."""
    pulled_weights("selfie")
    models = "selfie,deeplab-voc" if has_deeplab() else "selfie"
    with running_server(models, SILHOUETTE_WORKERS="1", SILHOUETTE_MAX_SESSIONS="1") as started:
        yield started


@pytest.fixture(scope="package")
def tiny(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two networks that look at colours: one of a subject, and one of many classes."""
    store = make_store(tmp_path_factory.mktemp("store"))
    with tiny_server(store, SILHOUETTE_MODELS="tiny-subject,tiny-classes") as started:
        yield started


@pytest.fixture
def studio(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Studio]:
    """The page, watched: whatever a test looks at, there is no error on the console and no request to elsewhere."""
    opened = new_studio(browser, server.url)
    yield opened
    opened.keep_screenshot(SCREENSHOTS, re.sub(r"\W+", "-", request.node.name).strip("-"))
    opened.page.close()
    opened.check()


def has_deeplab() -> bool:
    try:
        ModelStore(REPOSITORY / "model_store").verify(model_card("deeplab-voc"))
    except MissingWeights:
        return False
    return True


@pytest.fixture(scope="package")
def astronaut() -> bytes:
    """512x512."""
    return encoded(Image.fromarray(data.astronaut()), "JPEG", quality=95)


@pytest.fixture(scope="package")
def cat() -> bytes:
    """451x300."""
    return encoded(Image.fromarray(data.chelsea()), "JPEG", quality=95)


@pytest.fixture
def files(tmp_path: Path, astronaut: bytes, cat: bytes) -> Path:
    """A folder with both photos, as a person has them."""
    (tmp_path / "astronaut.jpg").write_bytes(astronaut)
    (tmp_path / "my cat; again.jpg").write_bytes(cat)
    return tmp_path

"""One real server for all, and the real photos that scikit-image ships."""

from collections.abc import Iterator

import pytest
from PIL import Image
from skimage import data

from tests.pictures import encoded
from tests.system.loading import OPENED
from tests.system.serving import Server, running_server
from tests.weights import pulled_weights


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """A test that fails leaves connections; whoever runs when they are collected would fail of their warnings."""
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """With u2net, the default model, and selfie."""
    for name in ("u2net", "selfie"):
        pulled_weights(name)
    with running_server("u2net,selfie") as started:
        yield started


@pytest.fixture(scope="session")
def deeplab_server() -> Iterator[Server]:
    """With deeplab-voc alone, where it was pulled."""
    pulled_weights("deeplab-voc")
    with running_server("deeplab-voc") as started:
        yield started


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """512x512; her face is in the upper middle, the corners are flag, wall, suit and table."""
    return encoded(Image.fromarray(data.astronaut()), "JPEG", quality=95)


@pytest.fixture(scope="session")
def cat() -> bytes:
    """451x300; the face fills the middle, the upper right corner is a blurred room."""
    return encoded(Image.fromarray(data.chelsea()), "JPEG", quality=95)

"""Of an animation the first picture is taken, and the answer says how many there were."""

from PIL import Image
from starlette.testclient import TestClient

from tests.api.asking import ask_for
from tests.fakes import BLUE
from tests.pictures import encoded, painted, pixels, plain


def animation() -> bytes:
    """Red first, then eleven blue ones, each of another tone so that none is merged with the one before."""
    rest: list[Image.Image] = [plain((BLUE[0] + step, BLUE[1], BLUE[2])) for step in range(11)]
    return encoded(painted(), "GIF", save_all=True, append_images=rest)


def test_an_animation_is_its_first_picture_and_says_so(client: TestClient) -> None:
    answer = ask_for(client, "/color-pop", animation(), {"saturation": "1"})
    assert answer.headers["X-Frames"] == "12"
    assert pixels(answer.content)[60, 100, 0] > 200


def test_a_still_picture_says_nothing(client: TestClient) -> None:
    assert "X-Frames" not in ask_for(client, "/color-pop", painted()).headers

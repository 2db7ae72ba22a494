"""OpenAI's own client, and the way in which Open WebUI asks."""

import base64
from typing import Any

import httpx2
import numpy as np
import pytest

from tests.fakes import BLUE, DARK, RED
from tests.pictures import encoded, half_transparent, opened, painted, plain
from tests.system.serving import REQUEST_TIMEOUT_S, Server

openai = pytest.importorskip("openai")

PHOTO = encoded(painted())


@pytest.fixture
def client(server: Server) -> Any:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none needed", max_retries=0)


def test_it_has_a_background_removed(client: Any) -> None:
    answer = client.images.edit(
        model="gpt-image-2.5-flare",
        image=("photo.png", PHOTO, "image/png"),
        prompt="Remove the background",
        background="transparent",
        output_format="webp",
        size="1024x1024",
        quality="auto",
    )
    assert (answer.background, answer.output_format, answer.size) == ("transparent", "webp", "200x120")
    assert answer.created > 0
    cutout = opened(base64.b64decode(answer.data[0].b64_json))
    assert (cutout.format, cutout.mode) == ("WEBP", "RGBA")


def test_it_sends_several_images_and_a_mask(client: Any) -> None:
    answer = client.images.edit(
        image=[("1.png", PHOTO), ("2.png", encoded(plain(BLUE)))],
        mask=("mask.png", encoded(half_transparent(plain(DARK)))),
        prompt="Use the second image as the background",
    )
    edited = np.asarray(opened(base64.b64decode(answer.data[0].b64_json)).convert("RGB")).astype(int)
    assert abs(edited[5, 5] - BLUE).max() <= 2
    assert (edited[60, 120] == RED).all()
    assert (edited[5, 195] == DARK).all()


def test_it_reads_a_stream_of_the_finished_picture_alone(client: Any) -> None:
    stream = client.images.edit(
        image=("photo.png", PHOTO), prompt="Remove the background", stream=True, partial_images=2
    )
    (event,) = list(stream)
    assert (event.type, event.background, event.usage.total_tokens) == ("image_edit.completed", "transparent", 0)
    assert opened(base64.b64decode(event.b64_json)).mode == "RGBA"


def test_it_raises_its_own_errors(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(image=("photo.png", PHOTO), prompt="Add a hat")
    assert (refused.value.param, refused.value.code) == ("prompt", "unsupported_prompt")
    with pytest.raises(openai.NotFoundError) as unknown:
        client.images.edit(image=("photo.png", PHOTO), prompt="Remove the background", model="nobodys")
    assert unknown.value.code == "model_not_found"


def test_open_webui_gets_its_picture(server: Server) -> None:
    """It posts a form of these fields, several pictures as `image[]`, and reads `data[].b64_json`."""
    fields = {
        "model": "gpt-image-1",
        "prompt": "remove the background",
        "n": "1",
        "size": "1024x1024",
        "response_format": "b64_json",
    }
    answer = httpx2.post(
        f"{server.url}/v1/images/edits",
        headers={"Authorization": "Bearer none"},
        data=fields,
        files=[("image", ("image.png", PHOTO, "image/png"))],
        timeout=REQUEST_TIMEOUT_S,
    )
    answer.raise_for_status()
    assert opened(base64.b64decode(answer.json()["data"][0]["b64_json"])).mode == "RGBA"

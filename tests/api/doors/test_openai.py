"""OpenAI's images/edits: what is asked in its words, and what is refused in them."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tests.api.wire import on_loop
from tests.fakes import BLUE, DARK, RED
from tests.picture_server import ok, serving
from tests.pictures import SUBJECT_BOX, encoded, half_transparent, opened, painted, pixels, plain

EDITS = "/v1/images/edits"
PHOTO = encoded(painted())


def ask(
    client: TestClient, prompt: str, fields: Mapping[str, str] = {}, *, image: bytes = PHOTO, mask: bytes = b""
) -> Response:
    files = [("image", ("photo.png", image)), *([("mask", ("mask.png", mask))] if mask else [])]
    return client.post(EDITS, data={"prompt": prompt, **fields}, files=files)


def picture_of(answer: Response) -> bytes:
    assert answer.status_code == 200, answer.content[:500]
    (only,) = answer.json()["data"]
    return base64.b64decode(only["b64_json"])


def error_of(answer: Response, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.content[:500]
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def is_close(pixel: Any, color: tuple[int, ...]) -> bool:
    """Mattes end a level or two short of 0 and 255, and JPEG rounds."""
    return bool(np.abs(np.subtract(pixel, color)).max() <= 8)


def test_removing_the_background_leaves_the_subject_on_nothing(client: TestClient) -> None:
    answer = ask(
        client, "Remove the background", {"model": "gpt-image-1", "response_format": "b64_json", "size": "auto"}
    )
    cutout = opened(picture_of(answer))
    assert cutout.getpixel((100, 60)) == (*RED, 255)
    assert np.asarray(cutout)[5, 5, 3] <= 1
    facts = answer.json()
    assert (facts["background"], facts["output_format"], facts["size"]) == ("transparent", "png", "200x120")
    assert facts["created"] > 1_700_000_000
    assert answer.headers["X-Model"] == "tiny-subject@1"


def test_a_transparent_background_needs_no_prompt(client: TestClient) -> None:
    assert opened(picture_of(ask(client, "", {"background": "transparent"}))).mode == "RGBA"


@pytest.mark.parametrize(
    ("prompt", "fields", "color"),
    [
        ("Make the background blue", {}, (0, 0, 255)),
        ("Remove the background", {"background": "opaque"}, (255, 255, 255)),
        ("Remove the background", {"output_format": "jpeg"}, (255, 255, 255)),
    ],
)
def test_a_colour_goes_behind_the_subject(
    client: TestClient, prompt: str, fields: dict[str, str], color: tuple[int, ...]
) -> None:
    answer = ask(client, prompt, fields)
    picture = opened(picture_of(answer)).convert("RGB")
    assert is_close(picture.getpixel((5, 5)), color)
    assert is_close(picture.getpixel((100, 60)), RED)
    assert answer.json()["background"] == "opaque"


def test_the_second_image_goes_behind_the_subject_of_the_first(client: TestClient) -> None:
    files = [("image[]", ("1.png", PHOTO)), ("image[]", ("2.png", encoded(plain(BLUE))))]
    answer = client.post(EDITS, data={"prompt": "Use the second image as the background"}, files=files)
    picture = opened(picture_of(answer)).convert("RGB")
    assert is_close(picture.getpixel((5, 5)), BLUE)
    assert is_close(picture.getpixel((100, 60)), RED)
    refused = client.post(EDITS, data={"prompt": "Remove the background"}, files=files)
    assert error_of(refused)["param"] == "image"
    assert error_of(ask(client, "Use the second image as the background"))["param"] == "image"


def test_nothing_is_edited_where_the_mask_is_opaque(client: TestClient) -> None:
    mask = encoded(half_transparent(plain(DARK)))  # transparent on the left
    edited = pixels(picture_of(ask(client, "Make the background white", mask=mask)))
    assert is_close(edited[5, 5], (255, 255, 255))
    assert (edited[:, 100:] == pixels(PHOTO)[:, 100:]).all()


@pytest.mark.parametrize("mask", [plain(DARK), Image.new("RGBA", (10, 10))])
def test_a_mask_that_masks_nothing_or_another_picture_is_refused(client: TestClient, mask: Image.Image) -> None:
    assert error_of(ask(client, "Blur the background", mask=encoded(mask)))["param"] == "mask"


def test_output_format_and_compression_are_kept_to(client: TestClient) -> None:
    sizes = []
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (120, 200, 3), np.uint8))
    noise.paste(RED, SUBJECT_BOX)
    for percent in ("0", "90"):
        answer = ask(
            client,
            "blur the background slightly",
            {"output_format": "webp", "output_compression": percent},
            image=encoded(noise),
        )
        sizes.append(len(picture_of(answer)))
        assert opened(picture_of(answer)).format == "WEBP"
    assert sizes[0] < sizes[1]


def test_json_with_data_uris_is_read(client: TestClient) -> None:
    uri = "data:image/png;base64," + base64.b64encode(PHOTO).decode()
    asked = {"prompt": "Remove the background", "images": [{"image_url": uri}], "stream": False, "n": 1}
    assert opened(picture_of(client.post(EDITS, json=asked))).mode == "RGBA"
    elsewhere = {**asked, "images": [{"image_url": "https://example.org/photo.png"}]}
    assert "SILHOUETTE_FETCH" in error_of(client.post(EDITS, json=elsewhere), 403)["message"]
    many = {**asked, "images": [{"image_url": uri}] * 17}
    assert "16" in error_of(client.post(EDITS, json=many))["message"]


def test_json_with_urls_is_read_where_pictures_are_fetched(fetching: TestClient) -> None:
    async def story(_: ASGIApp) -> Response:
        async with serving({"/photo.png": ok(PHOTO)}) as server:
            image = {"image_url": f"https://127.0.0.1:{server.port}/photo.png"}
            asked = {"prompt": "Remove the background", "images": [image]}
            return await asyncio.to_thread(lambda: fetching.post(EDITS, json=asked))

    assert opened(picture_of(on_loop(fetching, story))).mode == "RGBA"


@pytest.mark.parametrize("prompt", ["Add a hat", "Remove the background and add a hat", "Put a beach behind me", ""])
def test_a_prompt_that_is_not_about_the_background_is_refused(client: TestClient, prompt: str) -> None:
    error = error_of(ask(client, prompt))
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", "prompt", "unsupported_prompt")
    assert "remove the background" in error["message"]


REFUSED = {
    "n": "2",
    "response_format": "url",
    "size": "huge",
    "output_format": "gif",
    "output_compression": "101",
    "background": "pink",
    "markup": "a picture",
}


@pytest.mark.parametrize(("name", "value"), REFUSED.items())
def test_what_cannot_be_had_is_refused_by_its_name(client: TestClient, name: str, value: str) -> None:
    error = error_of(ask(client, "Remove the background", {name: value}))
    assert (error["param"], error["code"]) == (name, "bad_option")


@pytest.mark.parametrize("prompt", ["Blur the background", "Make the background white"])
def test_a_background_cannot_be_transparent_and_something_else(client: TestClient, prompt: str) -> None:
    assert error_of(ask(client, prompt, {"background": "transparent"}))["param"] == "background"


def test_every_failure_is_in_the_contracts_form(client: TestClient) -> None:
    assert error_of(ask(client, "Remove the background", image=b"no picture"))["param"] == "image"
    nothing = error_of(ask(client, "Remove the background", image=encoded(plain(DARK))))
    assert (nothing["code"], "allow_empty" in nothing["message"]) == ("no_foreground", False), "it has no such option"
    assert error_of(client.post(EDITS, data={"prompt": "x"}, files={"other": b"x"}))["code"] == "missing_image"
    unknown = error_of(ask(client, "Remove the background", {"model": "nobodys"}), 404)
    assert (unknown["param"], unknown["code"]) == ("model", "model_not_found")
    for path in ("generations", "variations"):
        assert error_of(client.post(f"/v1/images/{path}", json={}), 501)["code"] == "not_offered"
    assert error_of(client.post("/v1/images/others", json={}), 404)["code"] == "not_found"
    assert error_of(client.get(EDITS), 405)["type"] == "invalid_request_error"
    assert error_of(client.post(EDITS, content=b"{", headers={"Content-Type": "application/json"}))


def test_a_loaded_model_is_asked_by_its_name(client: TestClient) -> None:
    answer = ask(client, "Remove the background", {"model": "tiny-classes", "quality": "high"})
    assert answer.headers["X-Model"] == "tiny-classes@1"

"""The door for clients of withoutBG."""

import asyncio
import base64
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tests.api.wire import on_loop
from tests.fakes import DARK
from tests.picture_server import ok, serving
from tests.pictures import HEIGHT, WIDTH, encoded, opened, painted, pixels, plain

PICTURE = encoded(painted())
AS_TEXT = base64.b64encode(PICTURE).decode()
INSIDE, OUTSIDE = (60, 100), (10, 10)
FAINT = 4

NOW, BEFORE, CLOUD = "/v1/remove-background", "/api/remove-background", "/v1.0/alpha-channel-base64"
EACH = pytest.mark.parametrize("path", [NOW, BEFORE, CLOUD])


def check_matte(content: bytes) -> None:
    matte = opened(content)
    assert (matte.mode, matte.size) == ("L", (WIDTH, HEIGHT))
    assert np.asarray(matte)[INSIDE] == 255
    assert np.asarray(matte)[OUTSIDE] < FAINT


def check_cutout(content: bytes) -> None:
    assert opened(content).mode == "RGBA"
    check_matte(encoded(opened(content).getchannel("A")))


def png(answer: Response) -> bytes:
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.text
    return answer.content


@pytest.mark.parametrize("headers", [{"Content-Type": "image/png"}, {"Content-Type": "application/octet-stream"}, {}])
def test_a_raw_body_is_answered_with_the_matte_and_how_long_it_took(client: TestClient, headers: Any) -> None:
    answer = client.post(NOW, params={"output": "matte"}, content=PICTURE, headers=headers)
    check_matte(png(answer))
    assert int(answer.headers["X-Latency-Ms"]) >= 0


@pytest.mark.parametrize("output", [{}, {"output": "cutout"}, {"output": "Processed"}])
def test_a_form_is_answered_with_the_cutout(client: TestClient, output: dict[str, str]) -> None:
    check_cutout(png(client.post(NOW, params=output, files={"image": ("photo.png", PICTURE, "image/png")})))


def test_the_path_behind_the_apps_own_proxy_answers_as_well(client: TestClient) -> None:
    check_cutout(png(client.post(f"/api{NOW}", content=PICTURE)))


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_json_is_answered_with_both_as_data_urls(client: TestClient, prefix: str) -> None:
    answer = client.post(NOW, json={"image": prefix + AS_TEXT}).json()
    assert isinstance(answer["latencyMs"], int)
    contents = {name: answer[name].removeprefix("data:image/png;base64,") for name in ("processed", "alphaMatte")}
    check_cutout(base64.b64decode(contents["processed"], validate=True))
    check_matte(base64.b64decode(contents["alphaMatte"], validate=True))


def test_the_cloud_answers_with_the_alpha_as_base64(client: TestClient) -> None:
    answer = client.post(CLOUD, json={"image_base64": AS_TEXT})
    check_matte(base64.b64decode(answer.json()["alpha_base64"], validate=True))


def test_the_older_image_takes_a_file(client: TestClient) -> None:
    check_cutout(png(client.post(BEFORE, files={"file": ("photo.png", PICTURE, "image/png")})))


def test_the_older_image_writes_jpeg_on_white_and_webp(client: TestClient) -> None:
    files = {"file": ("photo.png", PICTURE, "image/png")}
    jpeg = client.post(BEFORE, files=files, data={"format": "jpg", "quality": "95"})
    assert jpeg.headers["Content-Type"] == "image/jpeg"
    assert pixels(jpeg.content)[OUTSIDE].min() > 245
    assert client.post(BEFORE, files=files, data={"format": "webp"}).headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize(("path", "status"), [("/health", "ok"), ("/ready", "ready"), ("/api/health", "healthy")])
def test_the_probes_of_all_three_answer(client: TestClient, path: str, status: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert client.get("/health").json() == {"status": "ok", "model": "tiny-subject", "version": "1"}


def test_a_matte_is_corrected(client: TestClient) -> None:
    white, corner = Image.new("L", (WIDTH, HEIGHT), 255), Image.new("L", (WIDTH, HEIGHT))
    corner.paste(255, (0, 0, 20, 10))
    given = {"image": PICTURE, "matte": encoded(white), "remove_mask": encoded(corner)}
    in_a_form = png(client.post(NOW, files={name: (f"{name}.png", each) for name, each in given.items()}))
    in_json = client.post(NOW, json={name: base64.b64encode(each).decode() for name, each in given.items()}).json()
    as_text = in_json["processed"].removeprefix("data:image/png;base64,")
    for cutout in (in_a_form, base64.b64decode(as_text)):
        alpha = pixels(cutout)[..., 3]
        assert (alpha[:10, :20] == 0).all()
        assert (alpha[100:, 100:] == 255).all()


@EACH
def test_a_photo_without_a_subject_comes_back_empty(client: TestClient, path: str) -> None:
    assert client.post(path, content=encoded(plain(DARK))).status_code == 200


@EACH
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b""}, 422),
        ({"content": b"no picture"}, 415),
        ({"json": {"image": "no base64!"}}, 422),
        ({"json": {"image": 5}}, 422),
        ({"json": []}, 400),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"files": {"other": ("photo.png", PICTURE)}}, 422),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_told_under_error(
    client: TestClient, path: str, request_: dict[str, Any], status: int
) -> None:
    answer = client.post(path, **request_)
    assert (answer.status_code, set(answer.json())) == (status, {"error", "detail"}), answer.text


@EACH
def test_a_url_is_fetched_where_that_is_on_and_refused_clearly_where_it_is_not(
    client: TestClient, fetching: TestClient, path: str
) -> None:
    async def story(_: ASGIApp) -> Response:
        async with serving({"/photo.png": ok(PICTURE)}) as server:
            given = {"image_url": f"https://127.0.0.1:{server.port}/photo.png"}
            return await asyncio.to_thread(fetching.post, path, files={"none": (None, "")}, data=given)

    assert on_loop(fetching, story).status_code == 200
    refused = client.post(path, json={"image_url": "https://example.org/photo.png"})
    assert (refused.status_code, "SILHOUETTE_FETCH" in refused.json()["error"]) == (403, True)


def test_an_output_that_is_none_is_refused(client: TestClient) -> None:
    answer = client.post(NOW, params={"output": "svg"}, content=PICTURE)
    assert (answer.status_code, "matte" in answer.json()["error"]) == (422, True)

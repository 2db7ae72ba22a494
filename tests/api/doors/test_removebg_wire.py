"""The door for clients of remove.bg: how requests come, and how they are refused."""

import asyncio
import base64
import json

import pytest
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.settings import Settings
from tests.api.doors.removebg import FILE, PATH, PICTURE, code_of, errors_of, is_cutout
from tests.api.wire import on_loop
from tests.fakes import DARK, RAISING_COLOR
from tests.picture_server import ok, serving
from tests.pictures import HEIGHT, WIDTH, encoded, opened, painted, pixels, plain

BASE64 = base64.b64encode(PICTURE).decode()


# --- how it comes -----------------------------------------------------------------------------------------------------


def test_a_picture_comes_as_a_file_in_a_form_with_or_without_its_type(client: TestClient) -> None:
    assert is_cutout(client.post(PATH, files=FILE))
    assert is_cutout(client.post(PATH, files={"image_file": ("photo.png", PICTURE, "image/png")}))


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_picture_comes_as_base64_in_either_form_or_in_json(client: TestClient, prefix: str) -> None:
    fields = {"image_file_b64": prefix + BASE64, "size": "auto"}
    assert is_cutout(client.post(PATH, data=fields))
    assert is_cutout(client.post(PATH, files={"size": (None, "auto"), "image_file_b64": (None, prefix + BASE64)}))
    assert is_cutout(client.post(PATH, json=fields))


def test_base64_in_a_form_may_be_longer_than_a_megabyte(client: TestClient) -> None:
    large = base64.b64encode(encoded(painted().resize((800, 480)), compress_level=0)).decode()
    assert len(large) > 1_500_000
    assert is_cutout(client.post(PATH, files={"image_file_b64": (None, large)}))
    assert is_cutout(client.post(PATH, data={"image_file_b64": large}))


def test_json_has_real_booleans_and_numbers_and_nulls(client: TestClient) -> None:
    wishes = {"image_file_b64": BASE64, "crop": True, "crop_margin": None, "scale": 50, "shadow_type": {"car": "car"}}
    answer = client.post(PATH, json={**wishes, "type_level": 2, "image_url": "", "add_shadow": False})
    assert is_cutout(answer)
    assert int(answer.headers["X-Width"]) < WIDTH


def test_parameters_may_stand_in_the_query(client: TestClient) -> None:
    assert client.post(PATH, files=FILE, params={"format": "jpg"}).headers["Content-Type"] == "image/jpeg"


def test_what_a_browser_sends_as_a_blob_is_read_as_text(client: TestClient) -> None:
    files = {"image_file_b64": ("blob", BASE64.encode()), "format": ("blob", b"jpg")}
    assert client.post(PATH, files=files).headers["Content-Type"] == "image/jpeg"


def test_empty_fields_are_as_good_as_none(client: TestClient) -> None:
    fields = dict.fromkeys(("image_url", "image_file_b64", "bg_color", "bg_image_url", "roi", "crop", "size"), "")
    assert is_cutout(client.post(PATH, files={**FILE, "bg_image_file": ("", b"")}, data=fields))


# --- what comes back --------------------------------------------------------------------------------------------------


def test_who_takes_nothing_but_json_gets_the_picture_as_base64(client: TestClient) -> None:
    answer = client.post(PATH, files=FILE, headers={"Accept": "application/json"})
    assert answer.headers["Content-Type"] == "application/json"
    data = answer.json()["data"]
    assert set(data) == {"result_b64", *(f"foreground_{side}" for side in ("top", "left", "width", "height"))}
    picture = opened(base64.b64decode(data["result_b64"], validate=True))
    assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))
    assert data["foreground_width"] == int(answer.headers["X-Foreground-Width"])
    assert base64.b64decode(data["result_b64"]) == client.post(PATH, files=FILE).content


def test_a_large_picture_comes_as_base64_as_well(client: TestClient) -> None:
    noisy = Image.effect_noise((800, 600), 100).convert("RGB")
    noisy.paste((230, 20, 20), (100, 100, 700, 500))
    fields = {"size": "full", "bg_color": "white", "format": "png"}
    files = {"image_file": encoded(noisy), "bg_image_file": b""}
    answer = client.post(PATH, files=files, data=fields, headers={"Accept": "application/json"})
    assert opened(base64.b64decode(answer.json()["data"]["result_b64"])).size == (800, 600)


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json, text/plain, */*", "image/png", "application/json, image/*"]
)
def test_who_takes_a_picture_gets_the_picture(client: TestClient, accept: str) -> None:
    """axios sends the second one, and its users write what comes to a file."""
    assert client.post(PATH, files=FILE, headers={"Accept": accept}).headers["Content-Type"] == "image/png"


def test_the_account_has_credit_that_nothing_is_taken_from(client: TestClient) -> None:
    attributes = client.get("/v1.0/account").json()["data"]["attributes"]
    assert set(attributes["credits"]) == {"total", "subscription", "payg", "enterprise"}
    assert attributes["credits"]["total"] == sum(attributes["credits"].values()) / 2 > 0
    assert attributes["api"]["free_calls"] > 0
    assert attributes["api"]["sizes"] == "all"


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_request_without_a_picture_says_where_it_goes(client: TestClient) -> None:
    (error,) = errors_of(client.post(PATH, data={"size": "auto"}))
    assert error["code"] == "missing_source"
    assert "image_file" in error["detail"]
    assert code_of(client.post(PATH, files={"image": ("photo.png", PICTURE)})) == "missing_source"
    assert code_of(client.post(PATH, json={"image_b64": BASE64})) == "missing_source"
    assert code_of(client.post(PATH, content=PICTURE, headers={"Content-Type": "image/png"})) == "missing_source"


def test_two_pictures_or_two_backgrounds_are_one_too_many(client: TestClient) -> None:
    assert code_of(client.post(PATH, files=FILE, data={"image_file_b64": BASE64})) == "multiple_sources"
    fields = {"bg_color": "fff", "bg_image_url": "https://example.org/a.jpg"}
    assert code_of(client.post(PATH, files=FILE, data=fields)) == "multiple_bg_sources"
    files = {**FILE, "bg_image_file": ("b.png", PICTURE)}
    assert code_of(client.post(PATH, files=files, data={"bg_color": "fff"})) == "multiple_bg_sources"


def test_urls_are_not_fetched_and_the_answer_says_so(client: TestClient) -> None:
    (error,) = errors_of(client.post(PATH, json={"image_url": "https://example.org/photo.jpg"}))
    assert error["code"] == "failed_image_download"
    assert "SILHOUETTE_FETCH" in error["detail"]
    fields = {"bg_image_url": "https://example.org/photo.jpg"}
    assert code_of(client.post(PATH, files=FILE, data=fields)) == "failed_bg_download"


def test_the_picture_and_the_background_are_fetched_by_their_urls(fetching: TestClient) -> None:
    async def story(_: ASGIApp) -> Response:
        async with serving({"/a.png": ok(PICTURE), "/b.png": ok(encoded(plain((0, 255, 0))))}) as server:
            base = f"https://127.0.0.1:{server.port}"
            urls = {"image_url": f"{base}/a.png", "bg_image_url": f"{base}/b.png", "format": "png"}
            return await asyncio.to_thread(fetching.post, PATH, json=urls)

    assert pixels(on_loop(fetching, story).content)[10, 10].tolist() == pytest.approx([0, 255, 0], abs=4)


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("photo.jpg", ("invalid_image_url", "invalid_bg_image_url")),
        ("https://10.0.0.1/", ("invalid_image_url", "invalid_bg_image_url")),
        ("https://127.0.0.1:1/photo.jpg", ("failed_image_download", "failed_bg_download")),
    ],
)
def test_what_cannot_be_fetched_is_told_by_the_codes_for_it(
    fetching: TestClient, url: str, codes: tuple[str, str]
) -> None:
    of_image = code_of(fetching.post(PATH, data={"image_url": url}))
    assert (of_image, code_of(fetching.post(PATH, files=FILE, data={"bg_image_url": url}))) == codes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "huge"),
        ("format", "gif"),
        ("channels", "rgb"),
        ("roi", "1 2 3"),
        ("crop_margin", "wide"),
        ("scale", "5%"),
        ("position", "left"),
        ("semitransparency", "some"),
        ("bg_color", "blurple"),
        ("type", "ghost"),
        ("shadow_type", "long"),
        ("shadow_opacity", "101"),
    ],
)
def test_a_parameter_that_cannot_be_used_has_a_code_of_its_own(client: TestClient, name: str, value: str) -> None:
    assert code_of(client.post(PATH, files=FILE, data={name: value})) == f"invalid_{name}"


def test_every_wrong_parameter_is_told(client: TestClient) -> None:
    errors = errors_of(client.post(PATH, files=FILE, data={"size": "huge", "scale": "5%"}))
    assert [error["code"] for error in errors] == ["invalid_size", "invalid_scale"]


@pytest.mark.parametrize(
    ("roi", "code"), [("0% 0% 120% 100%", "roi_exceeds_bounds"), ("50% 50% 50% 50%", "roi_region_empty")]
)
def test_a_region_that_the_photo_does_not_have_is_refused(client: TestClient, roi: str, code: str) -> None:
    assert code_of(client.post(PATH, files=FILE, data={"roi": roi})) == code


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"this is no picture", "invalid_file_type"),
        (PICTURE[:60], "failed_to_read_image"),
        (encoded(plain(DARK)), "unknown_foreground"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused_by_its_code(client: TestClient, picture: bytes, code: str) -> None:
    assert code_of(client.post(PATH, files={"image_file": ("photo.png", picture)})) == code


def test_a_picture_without_a_subject_is_refused_without_an_option_of_ours(client: TestClient) -> None:
    detail = client.post(PATH, files={"image_file": ("photo.png", encoded(plain(DARK)))}).json()["errors"][0]["detail"]
    assert detail.startswith("tiny-subject sees no ")
    assert "allow_empty" not in detail


def test_what_is_no_base64_cannot_be_read(client: TestClient) -> None:
    assert code_of(client.post(PATH, json={"image_file_b64": "@@@"})) == "failed_to_read_image"


def test_too_many_pixels_and_too_many_bytes_are_refused_by_their_codes(client: TestClient, settings: Settings) -> None:
    large = encoded(Image.new("L", (10_000, 9_000)))
    assert code_of(client.post(PATH, files={"image_file": ("photo.png", large)})) == "resolution_too_high"
    content = bytes(settings.max_upload_bytes + 1)
    assert code_of(client.post(PATH, content=content, headers={"Content-Type": "application/json"})) == "file_too_large"


def test_json_that_is_none_is_refused(client: TestClient) -> None:
    assert errors_of(client.post(PATH, content=b"{", headers={"Content-Type": "application/json"}))


def test_what_is_ours_is_503(client: TestClient) -> None:
    files = {"image_file": ("photo.png", encoded(plain(RAISING_COLOR)))}
    assert code_of(client.post(PATH, files=files), 503) == "model_failed"


def test_there_is_no_improvement_program(client: TestClient) -> None:
    assert code_of(client.post("/v1.0/improve", files=FILE), 501) == "not_offered"


def test_a_name_of_a_parameter_cannot_make_a_header(client: TestClient) -> None:
    body = {"image_file_b64": BASE64, "evil\r\nX-Evil: 1": "x", "größe": "1", "fine": 2}
    answer = client.post(PATH, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.headers["X-Ignored-Params"] == "fine"
    assert "X-Evil" not in answer.headers
    many = {"image_file_b64": BASE64, **{f"name{number}": number for number in range(10_000)}}
    assert len(client.post(PATH, json=many).headers["X-Ignored-Params"]) < 200

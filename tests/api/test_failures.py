"""What clients do wrong, and what the service cannot do, is a problem document with its own code: one test a cause."""

import struct
import zlib

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.api.asking import POSTS, ask, ask_for, problem_of
from tests.fakes import DARK, RAISING_COLOR
from tests.pictures import encoded, painted, plain

PICTURE = encoded(painted())


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and has hardly any data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def ask_in_form(client: TestClient, path: str, data: dict[str, str]) -> Response:
    return client.post(path, files={"image": ("photo.png", PICTURE, "image/png")}, data=data)


def test_an_unknown_path_is_404(client: TestClient) -> None:
    problem_of(client.get("/nowhere"), 404, "not_found")
    problem_of(client.post("/nowhere", content=b""), 404, "not_found")


def test_a_wrong_method_is_405_and_says_which_is_right(client: TestClient) -> None:
    answer = client.get("/segment")
    problem_of(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/jobs/none", "DELETE, GET, HEAD"),
        ("/batches/none", "DELETE, GET, HEAD"),
        ("/livez", "GET, HEAD"),
        ("/api/remove", "GET, HEAD, POST"),
    ],
)
def test_a_method_that_is_not_taken_is_told_all_that_are(client: TestClient, path: str, allowed: str) -> None:
    answer = client.patch(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert f"PATCH is not taken here, but {allowed}" in answer.text


@pytest.mark.parametrize("path", POSTS)
def test_an_unknown_model_is_404_and_lists_the_loaded_ones(client: TestClient, path: str) -> None:
    detail = problem_of(ask(client, path, PICTURE, {"model": "sam"}), 404, "unknown_model")["detail"]
    assert all(name in detail for name in ("'sam'", "tiny-subject", "tiny-classes"))


@pytest.mark.parametrize("content", [b"<html>", b"%PDF-1.7", b"GIF", b"\x00" * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_bytes_that_are_no_image_we_take_are_415(client: TestClient, content: bytes) -> None:
    problem_of(ask(client, "/segment", content), 415, "unsupported_image")


@pytest.mark.parametrize("media_type", ["application/json", "application/octet-stream", "text/plain", ""])
def test_a_body_that_is_neither_image_nor_form_is_415(client: TestClient, media_type: str) -> None:
    answer = client.post("/segment", content=PICTURE, headers={"Content-Type": media_type})
    assert "multipart/form-data" in problem_of(answer, 415, "unsupported_body")["detail"]


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
def test_half_an_image_is_truncated(client: TestClient, format_: str) -> None:
    whole = encoded(painted(), format_)
    problem_of(ask(client, "/segment", whole[: len(whole) // 2]), 422, "truncated_image")


def test_an_image_with_a_broken_inside_is_undecodable(client: TestClient) -> None:
    broken = bytearray(PICTURE)
    start = broken.index(b"IDAT")
    broken[start + 4 : start + 40] = bytes(36)
    problem_of(ask(client, "/segment", bytes(broken)), 422, "undecodable_image")


@pytest.mark.parametrize(("width", "height"), [(30000, 30000), (10001, 10000), (8001, 8001), (65_000_000, 1)])
def test_too_many_pixels_are_seen_on_the_header(client: TestClient, width: int, height: int) -> None:
    detail = problem_of(ask(client, "/segment", png_header(width, height)), 422, "too_many_pixels")["detail"]
    assert "64 megapixels" in detail


def test_a_header_at_the_limit_is_read_on(client: TestClient) -> None:
    problem_of(ask(client, "/segment", png_header(8000, 8000)), 422, "truncated_image")


def test_a_background_with_too_many_pixels_is_refused_like_an_image(client: TestClient) -> None:
    files = {"image": ("a.png", PICTURE, "image/png"), "background": ("b.png", png_header(9000, 9000), "image/png")}
    problem_of(client.post("/replace-background", files=files), 422, "too_many_pixels")


@pytest.mark.parametrize("path", POSTS)
def test_no_image_at_all_is_422(client: TestClient, path: str) -> None:
    assert "empty" in problem_of(ask(client, path, b""), 422, "missing_image")["detail"]
    problem_of(client.post(path, files={"file": ("a.png", PICTURE)}, params=POSTS[path]), 422, "missing_image")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"opacity": "abc"}, "opacity: a number is wanted"),
        ({"opacity": "7"}, "opacity: it has to be less than or equal to 1"),
        ({"quality": "1.5"}, "quality: a whole number is wanted"),
        ({"allow_empty": "maybe"}, "allow_empty: true or false is wanted"),
        ({"refine": "maybe"}, "refine: it has to be 'auto', 'off' or 'on'"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_used_is_answered_with_what_can(
    client: TestClient, wrong: dict[str, str], said: str
) -> None:
    assert problem_of(ask(client, "/segment", PICTURE, wrong), 422, "bad_option")["detail"] == said


def test_a_file_that_nobody_asked_for_is_a_bad_option(client: TestClient) -> None:
    answer = client.post("/segment", files={"image": ("a.png", PICTURE), "background": ("b.png", PICTURE)})
    assert "background" in problem_of(answer, 422, "bad_option")["detail"]


def test_an_image_that_came_as_text_is_422_and_says_how_to_send_it(client: TestClient) -> None:
    answer = client.post("/segment", files={"image": (None, "photo.png")})
    assert "@" in problem_of(answer, 422, "missing_image")["detail"]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"no form at all"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
    ],
    ids=["no-boundary", "no-form", "no-name"],
)
def test_a_form_that_cannot_be_parsed_is_400(client: TestClient, media_type: str, body: bytes) -> None:
    answer = client.post("/segment", content=body, headers={"Content-Type": media_type})
    problem_of(answer, 400, "malformed_form")


def test_a_form_with_too_many_fields_is_400(client: TestClient) -> None:
    answer = ask_in_form(client, "/segment", {f"option{number}": "1" for number in range(100)})
    problem_of(answer, 400, "malformed_form")


def test_a_wrong_value_is_a_bad_option_that_is_named(client: TestClient) -> None:
    assert "quality" in problem_of(ask(client, "/segment", PICTURE, {"quality": "101"}), 422, "bad_option")["detail"]
    answer = ask_in_form(client, "/remove-background", {"crop": "perhaps", "quality": "high"})
    detail = problem_of(answer, 422, "bad_option")["detail"]
    assert "crop" in detail
    assert "quality" in detail


@pytest.mark.parametrize(
    ("path", "given", "meant"),
    [
        ("/segment", "treshold", "threshold"),
        ("/segment", "outputs", "output"),
        ("/remove-background", "Crop", "crop"),
        ("/replace-background", "colour", "color"),
        ("/blur-background", "strenght", "strength"),
        ("/color-pop", "saturate", "saturation"),
    ],
)
def test_an_unknown_option_suggests_the_nearest(client: TestClient, path: str, given: str, meant: str) -> None:
    for answer in (ask(client, path, PICTURE, {given: "1"}), ask_in_form(client, path, {given: "1"})):
        assert f"did you mean {meant!r}?" in problem_of(answer, 422, "unknown_option")["detail"]


def test_an_unknown_option_that_is_like_none_lists_them_all(client: TestClient) -> None:
    detail = problem_of(ask(client, "/color-pop", PICTURE, {"zzz": "1"}), 422, "unknown_option")["detail"]
    assert all(name in detail for name in ("model", "format", "quality", "keep", "saturation"))


def test_an_option_given_twice_is_a_bad_option(client: TestClient) -> None:
    headers = {"Content-Type": "image/png"}
    answer = client.post("/segment?output=mask&output=labels", content=PICTURE, headers=headers)
    assert "output" in problem_of(answer, 422, "bad_option")["detail"]


def test_an_option_given_differently_in_query_and_form_is_a_bad_option(client: TestClient) -> None:
    answer = ask_in_form(client, "/segment?output=mask", {"output": "labels"})
    assert "output" in problem_of(answer, 422, "bad_option")["detail"]


def test_a_file_given_twice_is_a_bad_option(client: TestClient) -> None:
    image = ("image", ("a.png", PICTURE, "image/png"))
    assert "image" in problem_of(client.post("/segment", files=[image, image]), 422, "bad_option")["detail"]


def test_an_empty_option_counts_as_not_given(client: TestClient) -> None:
    assert ask_for(client, "/segment", PICTURE, {"output": "", "threshold": "", "classes": ""}).status_code == 200


def test_a_model_that_raises_is_500_without_the_cause_and_the_next_request_works(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(client, "/remove-background", plain(RAISING_COLOR))
    problem_of(answer, 500, "model_failed")
    assert not any(secret in answer.text for secret in ("magic", "RuntimeError", "Traceback", "/service/", ".py"))
    (record,) = (record for record in caplog.records if record.getMessage() == "model failed")
    assert "magic colour" in str(vars(record))
    ask_for(client, "/remove-background", PICTURE)


@pytest.mark.parametrize("path", POSTS)
def test_nothing_to_be_seen_is_no_foreground_unless_empty_is_allowed(client: TestClient, path: str) -> None:
    detail = problem_of(ask(client, path, plain(DARK)), 422, "no_foreground")["detail"]
    assert "allow_empty=true" in detail
    ask_for(client, path, plain(DARK), {"allow_empty": "true"})


@pytest.mark.parametrize("given", ["0", "-1", "soon", "1e3", "9" * 400, "9" * 5000])
def test_a_timeout_that_is_none_is_a_bad_option(client: TestClient, given: str) -> None:
    answer = client.post("/segment", files={"image": PICTURE}, headers={"X-Request-Timeout-Ms": given})
    assert "X-Request-Timeout-Ms" in problem_of(answer, 422, "bad_option")["detail"]


def test_a_flood_of_options_is_refused_before_they_are_looked_at(client: TestClient) -> None:
    answer = client.post("/segment", params={f"option{number}": "1" for number in range(1000)}, content=PICTURE)
    assert "more than" in problem_of(answer, 422, "bad_option")["detail"]


def test_a_failed_request_is_counted_under_its_model(client: TestClient) -> None:
    problem_of(ask(client, "/remove-background", plain(DARK)), 422, "no_foreground")
    counted = client.get("/metrics").text
    assert 'model="tiny-subject@1",reason="no_foreground",route="/remove-background",status="422"' in counted

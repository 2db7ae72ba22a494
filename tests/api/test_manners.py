"""HTTP as clients really speak it: HEAD, pages of other origins, compressed bodies, forms of other libraries."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.settings import Settings
from tests.api.asking import problem_of
from tests.clients import ready_client
from tests.pictures import encoded, painted, pixels

PICTURE = encoded(painted())
LARGE = PICTURE[:-12] + b"\0\x1e\x84\x80" + b"teXt" + bytes(2_000_000) + b"\0\0\0\0" + PICTURE[-12:]
BOUNDARY = "a1b2c3"
PAGE = "https://shop.example.org"


def form(*parts: bytes, preamble: bytes = b"") -> dict[str, object]:
    lines = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    content = preamble + lines + b"--" + BOUNDARY.encode() + b"--\r\n"
    return {"content": content, "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}}


def part(disposition: str, media_type: str | None, content: bytes = PICTURE) -> bytes:
    type_line = f"Content-Type: {media_type}\r\n" if media_type else ""
    return f"Content-Disposition: form-data; {disposition}\r\n{type_line}\r\n".encode() + content


@pytest.mark.parametrize("path", ["/models", "/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/"])
def test_head_is_get_without_the_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_head_of_an_operation_is_no_way_to_ask(client: TestClient) -> None:
    assert client.head("/segment").status_code == 405


@pytest.mark.parametrize(
    ("disposition", "media_type"),
    [
        ('name="image"', "image/png"),
        ('name="image"', "application/octet-stream"),
        ("name=\"image\"; filename*=UTF-8''photo.png", "image/png"),
        ("name=\"image\"; filename*=UTF-8''photo.png", "application/octet-stream"),
    ],
)
def test_a_part_that_is_a_picture_by_its_type_needs_no_file_name(
    client: TestClient, disposition: str, media_type: str
) -> None:
    for content in (PICTURE, LARGE):
        answer = client.post("/remove-background", **form(part(disposition, media_type, content)))  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        assert pixels(answer.content)[60, 100, 3] == 255


def test_a_large_picture_needs_no_room_on_a_disk(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    answer = client.post("/remove-background", files={"image": LARGE})
    assert answer.status_code == 200, answer.text


def test_options_beside_a_part_without_a_name_stay_options(client: TestClient) -> None:
    answer = client.post(
        "/remove-background",
        **form(part('name="image"', "image/png"), part('name="output"', None, b"matte")),  # type: ignore[arg-type]
    )
    assert pixels(answer.content).ndim == 2


def test_what_stands_before_the_first_part_is_passed_over(client: TestClient) -> None:
    preamble = b"This is a multi-part message in MIME format.\r\n"
    sent = form(part('name="image"; filename="a.png"', "image/png"), preamble=preamble)
    assert client.post("/remove-background", **sent).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["file", "image_file", "photo"])
def test_a_picture_in_a_field_of_another_name_is_told_the_right_one(client: TestClient, name: str) -> None:
    answer = client.post("/segment", files={name: ("a.png", PICTURE, "image/png")})
    assert problem_of(answer, 422, "missing_image")["detail"] == f"you sent `{name}`; it is called `image`"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body_is_refused_by_the_name_of_its_encoding(client: TestClient, encoding: str) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": encoding}
    answer = client.post("/segment", content=PICTURE, headers=headers)
    assert encoding in problem_of(answer, 415, "unsupported_body")["detail"]


def test_identity_is_no_encoding(client: TestClient) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": "identity"}
    assert client.post("/remove-background", content=PICTURE, headers=headers).status_code == 200


def test_without_the_setting_no_page_of_another_origin_is_let_in(client: TestClient) -> None:
    answer = client.get("/models", headers={"Origin": PAGE})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.fixture(scope="module")
def shared(settings: Settings) -> Iterator[TestClient]:
    with ready_client(settings.model_copy(update={"allowed_origins": (PAGE,), "root_path": "/cut"})) as running:
        yield running


def test_a_page_that_was_named_may_ask_and_read_every_header(shared: TestClient) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    preflight = shared.options("/remove-background", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "x-api-key" in preflight.headers["Access-Control-Allow-Headers"]
    answer = shared.post("/remove-background", content=PICTURE, headers={"Content-Type": "image/png", "Origin": PAGE})
    assert (answer.status_code, answer.headers["Access-Control-Expose-Headers"]) == (200, "*")
    refused = shared.post("/remove-background", content=b"", headers={"Content-Type": "image/png", "Origin": PAGE})
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_page_that_was_named_may_ask_by_every_method_of_every_endpoint(shared: TestClient) -> None:
    endpoints = shared.get("/openapi.json").json()["paths"].values()
    methods = {method.upper() for endpoint in endpoints for method in endpoint}
    assert {"GET", "POST", "PUT", "DELETE"} <= methods
    for method in methods:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": method}
        assert shared.options("/models", headers=asked).status_code == 200, method


def test_another_page_may_not(shared: TestClient) -> None:
    asked = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}
    assert shared.options("/remove-background", headers=asked).status_code == 400


def test_docs_below_a_path_of_a_proxy_find_their_files(shared: TestClient) -> None:
    page = shared.get("/docs").text
    assert 'src="static-offline-docs/swagger-ui-bundle.js"' in page
    assert shared.get("/openapi.json").json()["servers"] == [{"url": "/cut"}]


def test_a_proxy_may_leave_its_path_in_front(shared: TestClient) -> None:
    assert shared.get("/cut/livez").status_code == 200
    assert shared.get("/cut/nowhere").status_code == 404


def test_a_path_in_front_opens_no_door(settings: Settings, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    write_keys(keys, [Key("shop", frozenset({"images"}), None, None, hash_of("sil_images"))])
    with ready_client(settings.model_copy(update={"keys_file": keys, "root_path": "/cut"})) as guarded:
        answer = guarded.get("/cut/metrics", headers={"X-Api-Key": "sil_images"})
        problem_of(answer, 403, "scope_missing")
        assert guarded.get("/cut/livez").status_code == 200

"""Too many bytes are refused on the announcement, or at the byte that is one too many."""

from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.settings import Settings
from tests.api.asking import problem_of
from tests.api.wire import Wire, on_loop

MEGABYTE = bytes(1024 * 1024)
FORM_HEAD = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'


def test_an_announced_length_above_the_limit_is_refused_before_the_body_is_read(
    client: TestClient, settings: Settings
) -> None:
    async def story(app: ASGIApp) -> Wire:
        length = str(settings.max_upload_bytes + 1)
        wire = Wire(app, "/segment", content_type="image/png", content_length=length).open()
        await wire.turn()
        wire.leave()
        return await wire.done()

    wire = on_loop(client, story)
    assert (wire.status, wire.code, wire.taken_before_answer) == (413, "too_many_bytes", 0)
    assert wire.headers["Connection"] == "close"


def test_a_chunked_image_is_read_up_to_the_limit_and_no_further(client: TestClient, settings: Settings) -> None:
    wire = on_loop(client, lambda app: endless(app, settings, "image/png"))
    parts = settings.max_upload_bytes // len(MEGABYTE) + 1
    assert (wire.status, wire.code) == (413, "too_many_bytes")
    assert wire.taken_before_answer == parts


def test_a_chunked_form_is_read_up_to_the_limit_and_no_further(client: TestClient, settings: Settings) -> None:
    wire = on_loop(client, lambda app: endless(app, settings, "multipart/form-data; boundary=x", FORM_HEAD))
    parts = settings.max_upload_bytes // len(MEGABYTE)  # the head of the form is in the first, too
    assert (wire.status, wire.code) == (413, "too_many_bytes")
    assert wire.taken_before_answer == parts


async def endless(app: ASGIApp, settings: Settings, media_type: str, head: bytes = b"") -> Wire:
    """A body twice as long as the limit, from a caller who does not read the answer before the end."""
    wire = Wire(app, "/segment", content_type=media_type)
    wire.give(head + MEGABYTE)
    for _ in range(2 * settings.max_upload_bytes // len(MEGABYTE)):
        wire.give(MEGABYTE)
    wire.leave()
    return await wire.open().done()


def test_the_detail_says_what_the_limit_is(client: TestClient, settings: Settings) -> None:
    headers = {"Content-Type": "image/png", "Content-Length": str(10**12)}
    answer = client.post("/segment", content=b"", headers=headers)
    assert str(settings.max_upload_bytes) in problem_of(answer, 413, "too_many_bytes")["detail"]


def test_the_next_request_works(client: TestClient) -> None:
    headers = {"Content-Type": "image/png", "Content-Length": str(10**12)}
    for _ in range(3):
        problem_of(client.post("/segment", content=b"", headers=headers), 413, "too_many_bytes")
    assert client.get("/readyz").status_code == 200

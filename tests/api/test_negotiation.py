"""Which format an answer has: `format` first, then the Accept header with its q-values, then the default."""

import pytest
from starlette.testclient import TestClient

from service.api.negotiation import negotiate
from service.errors import NotAcceptable
from service.operations.options import Format
from tests.api.asking import POSTS, ask, problem_of
from tests.pictures import encoded, opened, painted

OFFERED: tuple[Format, ...] = ("png", "webp", "jpeg")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "png"),
        ("", "png"),
        ("*/*", "png"),
        ("image/*", "png"),
        ("image/webp", "webp"),
        ("IMAGE/WebP", "webp"),
        ("image/jpeg, image/webp", "webp"),  # equals: the order of what is offered
        ("image/jpeg;q=0.9, image/webp;q=0.8", "jpeg"),
        ("image/jpeg;q=0.5,image/webp; q=0.6", "webp"),
        ("image/png;q=0.1, */*;q=0.5", "webp"),  # the specific range counts for PNG
        ("image/png;q=0, image/*", "webp"),
        ("image/png;q=0, image/webp;q=0, */*;q=0.1", "jpeg"),
        ("text/html, application/xhtml+xml, image/webp, */*;q=0.8", "webp"),
        ("text/html, */*;q=0.001", "png"),
        ("image/jpeg;q=nonsense, image/webp;q=0.1", "webp"),
        ("image/jpeg;level=1;q=0.2, image/webp;q=0.3", "webp"),
        (",, image/jpeg ,", "jpeg"),
    ],
)
def test_the_format_that_is_liked_most_is_chosen(accept: str | None, expected: Format) -> None:
    assert negotiate(accept, OFFERED)[0] == expected


@pytest.mark.parametrize("accept", ["text/html", "image/gif", "*/*;q=0", "image/*;q=0, */*", "image", "application/*"])
def test_what_is_not_offered_raises_with_what_is(accept: str) -> None:
    with pytest.raises(NotAcceptable) as raised:
        negotiate(accept, OFFERED)
    assert "image/png, image/webp, image/jpeg" in raised.value.detail


@pytest.mark.parametrize("path", [path for path in POSTS if path != "/segment"])
@pytest.mark.parametrize("accept", ["image/webp", "image/png;q=0.5, image/webp", "image/png"])
def test_the_accept_header_chooses_the_format(client: TestClient, path: str, accept: str) -> None:
    answer = ask(client, path, painted(), accept=accept)
    wanted = "PNG" if accept == "image/png" else "WEBP"
    assert (opened(answer.content).format, answer.headers["Content-Type"]) == (wanted, f"image/{wanted.lower()}")


@pytest.mark.parametrize(
    ("output", "accept"),
    [
        ("labels", "application/json"),
        ("labels", "application/x-npz"),
        ("masks", "application/json"),
        ("masks", "application/zip"),
        ("summary", "application/json"),
        ("overlay", "image/jpeg"),
    ],
)
def test_the_accept_header_chooses_among_the_formats_of_an_output(client: TestClient, output: str, accept: str) -> None:
    assert ask(client, "/segment", painted(), {"output": output}, accept).headers["Content-Type"] == accept


def test_the_option_wins_over_the_header(client: TestClient) -> None:
    answer = ask(client, "/remove-background", painted(), {"format": "webp"}, accept="image/png")
    assert opened(answer.content).format == "WEBP"


def test_the_option_wins_over_a_header_that_fits_nothing(client: TestClient) -> None:
    assert ask(client, "/remove-background", painted(), {"format": "png"}, accept="text/html").status_code == 200


def test_jpg_is_another_name_for_jpeg(client: TestClient) -> None:
    assert ask(client, "/color-pop", painted(), {"format": "jpg"}).headers["Content-Type"] == "image/jpeg"


def test_several_accept_headers_count_as_one(client: TestClient) -> None:
    headers = [("Content-Type", "image/png"), ("Accept", "text/html"), ("Accept", "image/webp")]
    answer = client.post("/remove-background", content=encoded(painted()), headers=headers)
    assert answer.headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize("path", POSTS)
def test_a_result_says_that_it_depends_on_the_accept_header(client: TestClient, path: str) -> None:
    assert ask(client, path, painted()).headers["Vary"] == "Accept"


@pytest.mark.parametrize("path", POSTS)
def test_a_header_that_fits_nothing_is_406_with_what_is_offered(client: TestClient, path: str) -> None:
    detail = problem_of(ask(client, path, painted(), accept="text/html"), 406, "not_acceptable")["detail"]
    assert "image/png" in detail


def test_a_cutout_as_jpeg_is_406_with_what_is_offered(client: TestClient) -> None:
    answer = ask(client, "/remove-background", painted(), {"format": "jpeg"})
    detail = problem_of(answer, 406, "not_acceptable")["detail"]
    assert "png" in detail
    assert "webp" in detail
    problem_of(ask(client, "/remove-background", painted(), accept="image/jpeg"), 406, "not_acceptable")


@pytest.mark.parametrize(("output", "format_"), [("labels", "jpeg"), ("mask", "json"), ("masks", "png")])
def test_a_format_that_an_output_does_not_come_in_is_406(client: TestClient, output: str, format_: str) -> None:
    answer = ask(client, "/segment", painted(), {"output": output, "format": format_})
    problem_of(answer, 406, "not_acceptable")


def test_a_format_that_there_is_not_is_a_bad_option(client: TestClient) -> None:
    answer = ask(client, "/segment", painted(), {"format": "bmp"})
    assert "format" in problem_of(answer, 422, "bad_option")["detail"]

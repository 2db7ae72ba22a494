"""Requests as clients of remove.bg make them, and what an answer is."""

from httpx2 import Response

from tests.pictures import encoded, opened, painted

PATH = "/v1.0/removebg"

PICTURE = encoded(painted())

FILE = {"image_file": ("photo.png", PICTURE)}


def errors_of(answer: Response, status: int = 400) -> list[dict[str, str]]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    errors: list[dict[str, str]] = answer.json()["errors"]
    assert all(set(error) == {"title", "code", "detail"} and all(error.values()) for error in errors)
    return errors


def code_of(answer: Response, status: int = 400) -> str:
    (error,) = errors_of(answer, status)
    return error["code"]


def is_cutout(answer: Response) -> bool:
    assert answer.status_code == 200, answer.text
    return opened(answer.content).mode == "RGBA"

"""How the tests ask: the picture as the raw body with options in the query, or everything in a form."""

import time
from collections.abc import Mapping
from typing import Any

from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from tests.pictures import encoded

EFFECTS = {
    "/remove-background": {},
    "/replace-background": {"color": "white"},
    "/blur-background": {},
    "/color-pop": {},
}
"""Every endpoint that answers with the photo's subject at the photo's size, with what it cannot do without."""

POSTS: dict[str, dict[str, str]] = {"/segment": {}, **EFFECTS, "/product-shot": {}}
"""Every operation."""

PATIENCE_S = 120.0
"""How long a test waits for what must happen."""


def ask(
    client: TestClient,
    path: str,
    picture: Image.Image | bytes,
    options: Mapping[str, str] | None = None,
    accept: str | None = None,
) -> Response:
    """The answer to a raw body; a path of `POSTS` gets the options that it needs."""
    content = picture if isinstance(picture, bytes) else encoded(picture)
    headers = {"Content-Type": "image/png", **({"Accept": accept} if accept else {})}
    return client.post(path, content=content, params={**POSTS.get(path, {}), **(options or {})}, headers=headers)


def ask_for(
    client: TestClient, path: str, picture: Image.Image | bytes, options: Mapping[str, str] | None = None
) -> Response:
    """An answer that has to be a result."""
    answer = ask(client, path, picture, options)
    assert answer.status_code == 200, answer.content[:500]
    return answer


def problem_of(answer: Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, once it is what it has to be for every failure."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.content[
        :500
    ]
    problem: dict[str, Any] = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def ended(client: TestClient, accepted: Response, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The job that was accepted, once it is over."""
    assert accepted.status_code == 202, accepted.text
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(accepted.headers["Location"], headers=headers).json()
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.02)  # polls, as a client does
    raise AssertionError(job)

"""Pictures of Label Studio's tasks are fetched where they lie, and its token goes nowhere else."""

import asyncio
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal
from httpx2 import Response
from pydantic import SecretStr
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.settings import Settings
from tests.api.doors.label_studio import ask, results, task
from tests.api.wire import on_loop
from tests.clients import ready_client
from tests.picture_server import PictureServer, ok, redirect, serving
from tests.pictures import encoded, painted


def test_pictures_are_fetched_by_their_urls(fetching: TestClient) -> None:
    async def story(_: ASGIApp) -> Response:
        async with serving({"/a.png": ok(encoded(painted()))}) as server:
            there = task(photo=f"https://127.0.0.1:{server.port}/a.png")
            return await asyncio.to_thread(ask, fetching, there, task(painted()))

    assert all(each["result"] for each in on_loop(fetching, story).json()["results"])


UPLOADED, PRESIGNED = "/data/upload/1/a.png", "/tasks/7/presign/?fileuri=czM6Ly9idWNrZXQvYS5wbmc="


@pytest.fixture(scope="module")
def label_studio() -> Iterator[PictureServer]:
    """What lies in it."""
    picture = ok(encoded(painted()))
    answers = {UPLOADED: picture, PRESIGNED: redirect("/signed.png"), "/signed.png": picture}
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(answers)) as server:
        yield server


@pytest.fixture(scope="module")
def with_account(fetching: TestClient, label_studio: PictureServer) -> Iterator[TestClient]:
    """The service that has an account there."""
    settings: Settings = fetching.app.state.service.settings  # type: ignore[attr-defined]
    there = {"label_studio_url": f"https://127.0.0.1:{label_studio.port}", "label_studio_token": SecretStr("secret")}
    with ready_client(settings.model_copy(update=there)) as running:
        yield running


@pytest.mark.parametrize("value", [UPLOADED, "s3://bucket/a.png"])
def test_pictures_in_label_studio_are_fetched_there_with_the_operators_token(
    with_account: TestClient, label_studio: PictureServer, value: str
) -> None:
    (found,) = results(with_account, task(photo=value))
    assert found["result"]
    assert "Authorization: Token secret" in label_studio.requests[-1]


@pytest.mark.parametrize(
    "value", ["/api/users/", "/data/../api/users/", "/user/login", "//elsewhere/data/a.png", "a.png", "ftp://h/a.png"]
)
def test_the_token_is_for_pictures_alone(with_account: TestClient, label_studio: PictureServer, value: str) -> None:
    came = len(label_studio.requests)
    answer = ask(with_account, task(photo=value))
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert len(label_studio.requests) == came

"""A request that names a picture by its URL, through the whole service."""

import pytest
from fastapi import FastAPI, Request, Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.api.exchange import exchange_of
from service.api.fetching import fetch_picture
from service.api.state import ServiceDep
from tests.api.wire import Wire, on_loop
from tests.picture_server import ok, serving


async def fetched(request: Request, service: ServiceDep) -> Response:
    """What the endpoint of a door does."""
    picture = await fetch_picture(request, service, (await request.body()).decode())
    in_flight, stages = service.admission.bytes_in_flight, ",".join(exchange_of(request).stages_ms)
    return Response(picture, headers={"X-In-Flight": str(in_flight), "X-Stages": stages})


@pytest.fixture(scope="module", autouse=True)
def _route(fetching: TestClient) -> None:
    application(fetching).add_api_route("/fetched", fetched, methods=["POST"])


def application(client: TestClient) -> FastAPI:
    assert isinstance(client.app, FastAPI)
    return client.app


def asking_for(app: ASGIApp, url: str) -> Wire:
    wire = Wire(app, "/fetched")
    wire.give(url.encode(), more=False)
    return wire.open()


def test_its_bytes_are_in_flight_and_its_time_is_a_stage(fetching: TestClient) -> None:
    async def story(app: ASGIApp) -> tuple[Wire, str]:
        async with serving({"/a.png": ok(b"picture")}) as server:
            url = f"https://127.0.0.1:{server.port}/a.png"
            wire = asking_for(app, url)
            await wire.answer_begun()
            wire.leave()
            return await wire.done(), url

    wire, url = on_loop(fetching, story)
    assert wire.status == 200
    assert wire.headers["X-In-Flight"] == str(len(url) + len(b"picture"))
    assert wire.headers["X-Stages"] == "read,fetch"
    assert application(fetching).state.service.admission.bytes_in_flight == 0


def test_a_client_that_leaves_ends_the_fetch(fetching: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        async with serving({"/slow.png": b""}) as server:
            wire = asking_for(app, f"https://127.0.0.1:{server.port}/slow.png")
            await server.came.wait()
            wire.leave()
            await server.left.wait()
            return await wire.done()

    assert not on_loop(fetching, story).is_answered


def test_a_refusal_is_a_problem_document(fetching: TestClient) -> None:
    async def story(app: ASGIApp) -> Wire:
        wire = asking_for(app, "https://127.0.0.1:1/a.png")
        await wire.answer_begun()
        wire.leave()
        return await wire.done()

    wire = on_loop(fetching, story)
    assert (wire.status, wire.code) == (422, "fetch_failed")


def test_it_is_off_unless_the_operator_has_switched_it_on(client: TestClient) -> None:
    application(client).add_api_route("/fetched-while-off", fetched, methods=["POST"])
    answer = client.post("/fetched-while-off", content=b"https://127.0.0.1/a.png")
    assert (answer.status_code, answer.json()["code"]) == (403, "fetching_off")

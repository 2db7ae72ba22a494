"""`POST /batches`: a job for each picture, one that fails fails alone, and all results come in one ZIP."""

import asyncio
import io
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from service.access.keyring import Key, hash_of, write_keys
from service.jobs import JobStore, NewJob
from service.settings import Settings
from tests.api.asking import ask, problem_of
from tests.api.wire import on_loop
from tests.clients import ready_client
from tests.fakes import BLUE
from tests.picture_server import ok, serving
from tests.pictures import encoded, painted, plain, red_and_blue

PATIENCE_S = 120.0
ONE, TWO = encoded(red_and_blue()), encoded(painted())

Named = Sequence[tuple[str, bytes]]


def post(client: TestClient, pictures: Named, headers: dict[str, str] | None = None, **form: str) -> Response:
    texts = {"operation": "remove-background", **form}
    files: list[Any] = [("image", (name, content, "image/png")) for name, content in pictures]
    return client.post(
        "/batches", files=files + [(name, (None, text)) for name, text in texts.items()], headers=headers
    )


def ended(client: TestClient, accepted: Response) -> dict[str, Any]:
    """The batch, once it is over."""
    assert accepted.status_code == 202, accepted.text
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        batch: dict[str, Any] = client.get(accepted.headers["Location"]).json()
        if batch["state"] == "ended":
            return batch
        time.sleep(0.02)  # polls, as a client does
    raise AssertionError(batch)


def files_in(client: TestClient, batch: dict[str, Any]) -> dict[str, bytes]:
    answer = client.get(batch["result"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_each_picture_becomes_what_its_own_request_would_answer_with(client: TestClient) -> None:
    batch = ended(client, post(client, [("one.jpg", ONE), ("two.png", TWO)], format="webp"))
    assert (batch["total"], batch["counts"]["done"]) == (2, 2)
    direct = {
        f"{name}.webp": ask(client, "/remove-background", content, {"format": "webp"}).content
        for name, content in (("one", ONE), ("two", TWO))
    }
    assert files_in(client, batch) == direct
    jobs = client.get(batch["jobs"]).json()
    assert [(job["name"], job["batch"], job["state"]) for job in jobs] == [
        ("one.jpg", batch["id"], "done"),
        ("two.png", batch["id"], "done"),
    ]


def test_one_that_fails_fails_alone_and_is_named(client: TestClient) -> None:
    pictures = [("one.png", ONE), ("no picture.png", b"none"), ("empty.png", encoded(plain(BLUE)))]
    batch = ended(client, post(client, pictures))
    assert (batch["counts"]["done"], batch["counts"]["failed"]) == (1, 2)
    found = files_in(client, batch)
    assert set(found) == {"one.png", "failures.json"}
    assert b"unsupported_image" in found["failures.json"]
    assert b"no_foreground" in found["failures.json"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\photos\\cat.png", "cat.png"),
        ("/.hidden.png", "hidden.png"),
        ("büro: <1>.jpg", "büro_ _1_.png"),
        ("..", "picture.png"),
    ],
)
def test_names_are_kept_as_far_as_they_are_safe(client: TestClient, sent: str, kept: str) -> None:
    assert set(files_in(client, ended(client, post(client, [(sent, ONE)])))) == {kept}


def test_names_that_are_alike_are_kept_apart(client: TestClient) -> None:
    batch = ended(client, post(client, [("cat.png", ONE), ("Cat.jpg", TWO), ("a/cat.png", ONE)]))
    assert list(files_in(client, batch)) == ["cat.png", "Cat (2).png", "cat (3).png"]


def test_a_background_goes_to_each(client: TestClient) -> None:
    files = [("image", ("one.png", ONE)), ("image", ("two.png", TWO)), ("background", ("b.png", encoded(plain(BLUE))))]
    batch = ended(client, client.post("/batches?operation=replace-background", files=files))
    direct = client.post("/replace-background", files={"image": TWO, "background": encoded(plain(BLUE))})
    assert files_in(client, batch)["two.png"] == direct.content


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"operation": "enlarge"}, 422, "bad_option"),
        ({"qualty": "50"}, 422, "unknown_option"),
        ({"model": "none"}, 404, "unknown_model"),
        ({"operation": "replace-background"}, 422, "bad_option"),
        ({"url": "https://example.org/cat.png"}, 403, "fetching_off"),
    ],
)
def test_what_is_wrong_with_all_of_them_is_said_at_once(
    client: TestClient, form: dict[str, str], status: int, code: str
) -> None:
    problem_of(post(client, [("one.png", ONE)], None, **form), status, code)


def test_a_batch_without_pictures_or_with_too_many_or_too_large_ones_is_refused(settings: Settings) -> None:
    limits = {"max_batch_pictures": 2, "max_jobs": 3, "max_upload_bytes": 5_000}
    with ready_client(settings.model_copy(update=limits)) as small:
        problem_of(post(small, []), 422, "missing_image")
        problem_of(post(small, [], image="cat.png"), 422, "missing_image")
        problem_of(small.post("/batches", json={}), 415, "unsupported_body")
        problem_of(post(small, [("one.png", ONE)] * 3), 422, "bad_option")
        problem_of(post(small, [("one.png", ONE), ("large.png", bytes(6_000))]), 413, "too_many_bytes")
        assert ended(small, post(small, [("one.png", ONE)] * 2))["counts"]["done"] == 2


def test_a_batch_that_is_cancelled_ends_and_leaves_nothing(client: TestClient) -> None:
    accepted = post(client, [("one.png", ONE)] * 20)
    batch = client.delete(accepted.headers["Location"]).json()
    assert (batch["state"], batch["total"], batch["result"]) == ("ended", 20, None)
    assert batch["counts"]["cancelled"] + batch["counts"]["done"] == 20
    assert not any(job["result"] for job in client.get(batch["jobs"]).json())


def test_a_result_is_there_when_all_have_ended(client: TestClient) -> None:
    problem_of(client.get("/batches/none/result"), 404, "unknown_batch")
    problem_of(client.get("/jobs?batch=none"), 404, "unknown_batch")
    store: JobStore = client.app.state.service.jobs.store  # type: ignore[attr-defined]
    with store.new_folder() as place:
        (place.path / "one").mkdir()
        batch = store.add_batch(place, [(place.path / "one", NewJob("of no kind that is worked on", {}))], "")
    problem_of(client.get(f"/batches/{batch.id}/result"), 409, "job_unfinished")
    assert client.delete(f"/batches/{batch.id}").status_code == 200


def test_the_same_key_is_the_same_batch(client: TestClient) -> None:
    headers = {"Idempotency-Key": '"a batch"', "Prefer": "respond-async"}
    first, again = (post(client, [("one.png", ONE), ("two.png", TWO)], headers) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Preference-Applied"] == "respond-async"
    problem_of(post(client, [("one.png", ONE)], headers), 422, "idempotency_key_reused")
    problem_of(post(client, [("two.png", ONE), ("one.png", TWO)], headers), 422, "idempotency_key_reused")


def test_pictures_are_fetched_where_the_service_does(fetching: TestClient) -> None:
    async def story(_: ASGIApp) -> dict[str, Any]:
        async with serving({"/cat.png": ok(ONE)}) as server:
            url = f"https://127.0.0.1:{server.port}/cat.png"
            return await asyncio.to_thread(lambda: ended(fetching, post(fetching, [], url=url)))

    assert list(files_in(fetching, on_loop(fetching, story))) == ["cat.png"]
    problem_of(post(fetching, [], url="https://example.org/cat.png"), 422, "url_refused")


def test_each_picture_counts_as_a_request(settings: Settings, tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", [Key("shop", frozenset({"images"}), 3, None, hash_of("sil_shop"))])
    with ready_client(settings.model_copy(update={"keys_file": tmp_path / "keys"})) as guarded:
        headers = {"X-Api-Key": "sil_shop"}
        assert post(guarded, [("one.png", ONE)] * 3, headers).status_code == 202
        problem_of(post(guarded, [("one.png", ONE)], headers), 429, "quota_exceeded")

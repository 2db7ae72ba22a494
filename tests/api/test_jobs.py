"""`Prefer: respond-async` and `/jobs`: accepted at once, done as a job, with the result of the direct request."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.settings import Settings
from tests.api.asking import POSTS, ended, problem_of
from tests.clients import ready_client
from tests.fakes import BLUE, RAISING_COLOR
from tests.pictures import encoded, plain, red_and_blue

PHOTO = encoded(red_and_blue())
ASYNC = {"Prefer": "respond-async"}

OF_THE_MOMENT = {"x-request-id", "server-timing", "date"}
"""Headers that no two answers have the same."""

OF_A_FILE = {"accept-ranges", "last-modified"}
"""What a result on disk says beside."""


def post(client: TestClient, path: str, picture: bytes = PHOTO, **more: Any) -> Response:
    options = {**POSTS.get(path, {}), **more.pop("data", {})}
    return client.post(path, files={"image": ("photo.png", picture, "image/png")}, data=options, **more)


def told(answer: Response) -> dict[str, str]:
    """Its headers, without those of the moment."""
    return {name: value for name, value in answer.headers.items() if name not in OF_THE_MOMENT | OF_A_FILE}


@pytest.mark.parametrize("path", POSTS)
def test_the_result_has_the_bytes_and_headers_of_the_direct_answer(client: TestClient, path: str) -> None:
    accepted = post(client, path, headers=ASYNC)
    assert (accepted.status_code, accepted.headers["Preference-Applied"]) == (202, "respond-async")
    assert (accepted.json()["state"] == "queued") == (accepted.json()["position"] is not None)
    job = ended(client, accepted)
    assert (job["state"], job["kind"], f"/{job['operation']}") == ("done", "picture", path), job
    result, direct = client.get(job["result"]), post(client, path)
    assert (result.status_code, result.content) == (200, direct.content)
    assert told(result) == told(direct)
    assert set(direct.headers) <= set(result.headers)


def test_a_part_of_a_result_is_sent_and_what_is_no_range_is_passed_over(client: TestClient) -> None:
    path = ended(client, post(client, "/remove-background", headers=ASYNC))["result"]
    whole = client.get(path).content
    part = client.get(path, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, whole[2:6])
    passed = client.get(path, headers={"Range": "frames=1-2"})
    assert (passed.status_code, passed.content) == (200, whole)
    beyond = client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert str(len(whole)) in problem_of(beyond, 416, "range_not_satisfiable")["detail"]
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_further_pictures_and_the_accept_header_are_kept(client: TestClient) -> None:
    files = {"image": PHOTO, "background": encoded(plain((0, 0, 200)))}
    headers = {"Accept": "image/webp"}
    accepted = client.post("/replace-background", files=files, headers={**headers, **ASYNC})
    result = client.get(ended(client, accepted)["result"])
    direct = client.post("/replace-background", files=files, headers=headers)
    assert (result.headers["Content-Type"], result.content) == ("image/webp", direct.content)


def test_a_raw_body_can_be_deferred_too(client: TestClient) -> None:
    headers = {**ASYNC, "Content-Type": "image/png"}
    accepted = client.post("/remove-background?format=webp", content=PHOTO, headers=headers)
    assert client.get(ended(client, accepted)["result"]).headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize("preference", ["wait=10, respond-async", "Respond-Async", "respond-async; x=1"])
def test_a_preference_is_found_among_others(client: TestClient, preference: str) -> None:
    assert ended(client, post(client, "/remove-background", headers={"Prefer": preference}))["state"] == "done"


@pytest.mark.parametrize("preference", ["wait=10", "return=minimal", 'x="respond-async"'])
def test_other_preferences_are_answered_directly(client: TestClient, preference: str) -> None:
    assert post(client, "/remove-background", headers={"Prefer": preference}).status_code == 200


@pytest.mark.parametrize(
    ("picture", "options", "status", "code"),
    [
        (PHOTO, {"qualty": "50"}, 422, "unknown_option"),
        (PHOTO, {"model": "none"}, 404, "unknown_model"),
        (PHOTO, {"keep": "giraffe"}, 422, "bad_option"),
        (b"no picture", {}, 415, "unsupported_image"),
        (b"", {}, 422, "missing_image"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    client: TestClient, picture: bytes, options: dict[str, str], status: int, code: str
) -> None:
    problem_of(post(client, "/remove-background", picture, data=options, headers=ASYNC), status, code)


@pytest.mark.parametrize(
    ("color", "status", "code"), [(BLUE, 422, "no_foreground"), (RAISING_COLOR, 500, "model_failed")]
)
def test_a_job_that_fails_has_the_problem_of_the_direct_answer(
    client: TestClient, color: tuple[int, int, int], status: int, code: str
) -> None:
    picture = encoded(plain(color))
    job = ended(client, post(client, "/remove-background", picture, headers=ASYNC))
    assert (job["state"], job["result"], job["failure"]["code"]) == ("failed", None, code)
    direct = problem_of(post(client, "/remove-background", picture), status, code)
    assert job["failure"].items() <= direct.items()
    result = client.get(f"/jobs/{job['id']}/result")
    assert problem_of(result, status, code)["detail"] == direct["detail"]


def test_one_of_ones_own_jobs_is_listed_with_its_state(client: TestClient) -> None:
    job = ended(client, post(client, "/remove-background", headers=ASYNC))
    assert job in client.get("/jobs").json()
    assert job in client.get("/jobs?state=done").json()
    assert job not in client.get("/jobs?state=failed").json()
    problem_of(client.get("/jobs?state=odd"), 422, "bad_option")
    problem_of(client.get("/jobs?state=done&state=failed"), 422, "bad_option")
    assert "'state'" in problem_of(client.get("/jobs?stat=done"), 422, "unknown_option")["detail"]


def test_a_result_that_was_deleted_is_gone_and_not_yet_to_come(client: TestClient) -> None:
    accepted = post(client, "/remove-background", headers=ASYNC)
    ended(client, accepted)
    client.delete(accepted.headers["Location"])
    assert "deleted" in problem_of(client.get(f"{accepted.headers['Location']}/result"), 410, "result_gone")["detail"]


# --- Idempotency-Key --------------------------------------------------------------------------------------------------


def test_the_same_key_with_the_same_request_is_the_same_job(client: TestClient) -> None:
    headers = {**ASYNC, "Idempotency-Key": '"one"'}
    first, again = (post(client, "/remove-background", headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["Location"] == again.headers["Location"]
    other = post(client, "/remove-background", headers={**ASYNC, "Idempotency-Key": '"another"'})
    assert other.headers["Location"] != first.headers["Location"]


@pytest.mark.parametrize(
    ("path", "picture", "options"),
    [
        ("/remove-background", encoded(plain((230, 20, 20))), {}),
        ("/remove-background", PHOTO, {"quality": "80"}),
        ("/blur-background", PHOTO, {}),
    ],
)
def test_the_same_key_with_another_request_is_refused(
    client: TestClient, path: str, picture: bytes, options: dict[str, str]
) -> None:
    headers = {**ASYNC, "Idempotency-Key": "reused"}
    assert post(client, "/remove-background", headers=headers).status_code == 202
    problem_of(post(client, path, picture, data=options, headers=headers), 422, "idempotency_key_reused")


def test_a_key_is_its_owners(guarded: TestClient) -> None:
    accepted = [
        post(guarded, "/remove-background", headers={**ASYNC, "Idempotency-Key": "ours", **with_key(name)})
        for name in ("shop", "meet")
    ]
    assert len({answer.headers["Location"] for answer in accepted}) == 2


def test_a_key_whose_request_is_being_read_is_in_progress(client: TestClient) -> None:
    headers = {**ASYNC, "Idempotency-Key": "slow"}
    with client.app.state.service.keys_in_progress.using("", "slow"):  # type: ignore[attr-defined]
        problem_of(post(client, "/remove-background", headers=headers), 409, "request_in_progress")
    assert post(client, "/remove-background", headers=headers).status_code == 202


def test_a_key_that_is_none_is_refused(client: TestClient) -> None:
    headers = {**ASYNC, "Idempotency-Key": "x" * 300}
    problem_of(post(client, "/remove-background", headers=headers), 422, "bad_option")


# --- keys and limits --------------------------------------------------------------------------------------------------

KEYS = [
    Key("shop", frozenset({"images"}), None, None, hash_of("sil_shop")),
    Key("meet", frozenset({"images"}), None, None, hash_of("sil_meet")),
    Key("small", frozenset({"images"}), None, 0.001, hash_of("sil_small")),
]


@pytest.fixture(scope="module")
def guarded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(path, KEYS)
    with ready_client(settings.model_copy(update={"keys_file": path})) as running:
        yield running


def with_key(name: str) -> dict[str, str]:
    return {"X-Api-Key": f"sil_{name}"}


def test_a_job_is_known_to_its_own_key_alone(guarded: TestClient) -> None:
    accepted = post(guarded, "/remove-background", headers={**ASYNC, **with_key("shop")})
    job = ended(guarded, accepted, with_key("shop"))
    assert guarded.get(job["result"], headers=with_key("shop")).status_code == 200
    for path in (accepted.headers["Location"], job["result"]):
        problem_of(guarded.get(path, headers=with_key("meet")), 404, "unknown_job")
    assert job["id"] not in {each["id"] for each in guarded.get("/jobs", headers=with_key("meet")).json()}
    problem_of(guarded.get("/jobs"), 401, "missing_key")


def test_pixels_count_when_the_work_is_accepted(guarded: TestClient) -> None:
    headers = {**ASYNC, **with_key("small")}
    assert post(guarded, "/remove-background", headers=headers).status_code == 202
    problem_of(post(guarded, "/remove-background", headers=headers), 429, "quota_exceeded")


def test_more_bytes_than_there_is_room_for_are_refused(settings: Settings) -> None:
    with ready_client(settings.model_copy(update={"max_job_bytes": 10})) as full:
        problem_of(post(full, "/remove-background", headers=ASYNC), 507, "storage_full")


def test_a_full_disk_is_said_and_the_service_goes_on_when_it_is_not_full_any_more(
    settings: Settings, tmp_path: Path
) -> None:
    strokes = {"hints": json.dumps({"points": [{"x": 1.5, "y": 1.5, "keep": True}] * 2_000})}
    with ready_client(settings.model_copy(update={"jobs_folder": tmp_path})) as kept:
        rows = cast(FastAPI, kept.app).state.service.jobs.store.rows
        (pages,) = rows.one("PRAGMA page_count")
        rows.one(f"PRAGMA max_page_count = {pages}")  # to SQLite that is a full disk
        answer = post(kept, "/remove-background", headers=ASYNC, data=strokes)
        problem_of(answer, 507, "storage_full")
        assert kept.get("/jobs").json() == []
        rows.one("PRAGMA max_page_count = 1000000")
        assert ended(kept, post(kept, "/remove-background", headers=ASYNC, data=strokes))["state"] == "done"


def test_jobs_outlive_the_service(settings: Settings, tmp_path: Path) -> None:
    kept = settings.model_copy(update={"jobs_folder": tmp_path})
    with ready_client(kept) as first:
        done = ended(first, post(first, "/remove-background", headers=ASYNC))
        content = first.get(done["result"]).content
    with ready_client(kept) as second:
        assert second.get(f"/jobs/{done['id']}").json() == done
        assert second.get(done["result"]).content == content

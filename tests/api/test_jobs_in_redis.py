"""Jobs in Redis, over HTTP: as on disk, but for films; and what is said while Redis is away."""

import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.settings import Settings
from tests.api.asking import PATIENCE_S, ended, problem_of
from tests.api.test_batches import ended as batch_ended
from tests.api.test_batches import post as post_batch
from tests.api.test_jobs import ASYNC, PHOTO, post, told
from tests.clients import ready_client
from tests.pictures import encoded, plain
from tests.redis_server import RedisServer, running_redis


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis"), is_lasting=True) as server:
        yield server


@pytest.fixture(scope="module")
def in_redis(redis: RedisServer, settings: Settings) -> Iterator[TestClient]:
    chosen = {"jobs": "redis", "shared_url": redis.secret_url}
    with ready_client(settings.model_copy(update=chosen)) as running:
        yield running


def test_the_result_has_the_bytes_and_headers_of_the_direct_answer(in_redis: TestClient) -> None:
    files = {"image": PHOTO, "background": encoded(plain((0, 0, 200)))}
    accepted = in_redis.post("/replace-background", files=files, headers=ASYNC)
    job = ended(in_redis, accepted)
    assert (job["state"], job["progress"]) == ("done", {"done": 1, "total": 1, "unit": "pictures"}), job
    result, direct = in_redis.get(job["result"]), in_redis.post("/replace-background", files=files)
    assert (result.status_code, result.content) == (200, direct.content)
    assert told(result) == told(direct)
    part = in_redis.get(job["result"], headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, direct.content[2:6])
    assert in_redis.delete(accepted.headers["Location"]).json()["result"] is None
    problem_of(in_redis.get(f"{accepted.headers['Location']}/result"), 410, "result_gone")


def test_a_batch_is_one_zip_of_all_results(in_redis: TestClient) -> None:
    headers = {"Idempotency-Key": "a batch"}
    pictures = [("one.png", PHOTO), ("two.png", b"none")]
    accepted, again = (post_batch(in_redis, pictures, headers) for _ in range(2))
    assert accepted.json()["id"] == again.json()["id"]
    batch = batch_ended(in_redis, accepted)
    assert (batch["counts"]["done"], batch["counts"]["failed"]) == (1, 1)
    with zipfile.ZipFile(BytesIO(in_redis.get(batch["result"]).content)) as archive:
        assert archive.namelist() == ["one.png", "failures.json"]
        assert archive.read("one.png") == post(in_redis, "/remove-background").content


def test_a_film_is_refused_in_words(in_redis: TestClient) -> None:
    refused = in_redis.post("/videos", content=b"film", headers={"Content-Type": "video/mp4"})
    assert "SILHOUETTE_JOBS" in problem_of(refused, 501, "not_offered")["detail"]


def test_a_job_of_one_key_is_unknown_to_others(redis: RedisServer, settings: Settings, tmp_path: Path) -> None:
    shop, meet = ({"X-Api-Key": name} for name in ("shop", "meet"))
    scopes = frozenset({"images"})
    write_keys(tmp_path / "keys", [Key(name, scopes, None, None, hash_of(name)) for name in ("shop", "meet")])
    chosen = {"jobs": "redis", "shared_url": redis.secret_url, "keys_file": tmp_path / "keys"}
    with ready_client(settings.model_copy(update=chosen)) as client:
        accepted = post(client, "/remove-background", headers={**ASYNC, **shop})
        assert ended(client, accepted, shop)["state"] == "done"
        problem_of(client.get(accepted.headers["Location"], headers=meet), 404, "unknown_job")
        assert client.get("/jobs", headers=meet).json() == []
        assert [job["id"] for job in client.get("/jobs?state=done", headers=shop).json()] == [accepted.json()["id"]]


def test_while_redis_is_away_jobs_are_refused_with_a_time_to_come_back_and_pictures_are_answered(
    redis: RedisServer, in_redis: TestClient
) -> None:
    before = post(in_redis, "/remove-background", headers=ASYNC)
    redis.stop()
    try:
        for refused in (
            post(in_redis, "/remove-background", headers=ASYNC),
            post_batch(in_redis, [("one.png", PHOTO)]),
            in_redis.get("/jobs"),
            in_redis.get(before.headers["Location"]),
            in_redis.get(f"{before.headers['Location']}/result"),
            in_redis.delete(before.headers["Location"]),
        ):
            assert "Redis" in problem_of(refused, 503, "jobs_away")["detail"]
            assert int(refused.headers["Retry-After"]) > 0
        assert post(in_redis, "/remove-background").status_code == 200
        ready = in_redis.get("/readyz")
        assert (ready.status_code, ready.json()["jobs"]) == (200, "away")
    finally:
        redis.start()
        redis.until_there()
    until(lambda: in_redis.get(before.headers["Location"]).status_code == 200)
    assert ended(in_redis, before)["state"] == "done"
    until(lambda: in_redis.get("/readyz").json() == {"status": "ok"})


def until(holds: Callable[[], bool]) -> None:
    gives_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < gives_up_at
        time.sleep(0.05)  # polls, as a client does

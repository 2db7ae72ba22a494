"""`POST /videos` and `/jobs`: a film becomes a job, its result can be had until it expires, and each is its owner's."""

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.settings import Settings
from tests.api.asking import PATIENCE_S, ended, problem_of
from tests.clients import ready_client
from tests.clips import read_alpha, read_pictures, red_square, write_clip
from tests.pictures import encoded, plain

FRAMES = 6


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "clip.mp4"
    return write_clip(path, red_square(FRAMES), tones_hz=(440,), options={"b": "2M"}).read_bytes()


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of many frames that cost little to send."""
    path = tmp_path_factory.mktemp("film") / "long.mp4"
    return write_clip(path, red_square(400, step_px=0)).read_bytes()


def post(client: TestClient, content: bytes, headers: dict[str, str] | None = None, **options: str) -> Response:
    files = {"video": ("clip.mp4", content, "video/mp4")}
    return client.post("/videos", files=files, data={"speed": "fastest", **options}, headers=headers)


def test_a_film_comes_back_cut_out(client: TestClient, film: bytes, tmp_path: Path) -> None:
    job = ended(client, post(client, film))
    assert (job["state"], job["media_type"], job["failure"]) == ("done", "video/webm", None)
    assert job["progress"] == {"done": FRAMES, "total": FRAMES, "unit": "frames"}
    assert job["notes"] == {"frames": FRAMES, "lost": 0, "damaged": 0, "lost_sound": 0}
    answer = client.get(job["result"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/webm")
    (tmp_path / "cut.webm").write_bytes(answer.content)
    assert read_alpha(tmp_path / "cut.webm")[0][48, 50] == 255


def test_a_part_of_the_result_can_be_asked_for(client: TestClient, film: bytes) -> None:
    job = ended(client, post(client, film))
    part = client.get(job["result"], headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, client.get(job["result"]).content[4:10])


def test_the_raw_body_and_options_in_the_query_work_too(client: TestClient, film: bytes, tmp_path: Path) -> None:
    query = "effect=replace-background&color=lime&format=mp4&speed=fastest"
    accepted = client.post(f"/videos?{query}", content=film, headers={"Content-Type": "video/mp4"})
    (tmp_path / "green.mp4").write_bytes(client.get(ended(client, accepted)["result"]).content)
    assert read_pictures(tmp_path / "green.mp4")[0][4, 4].tolist() == pytest.approx([0, 255, 0], abs=12)


def test_a_background_picture_goes_behind(client: TestClient, film: bytes, tmp_path: Path) -> None:
    files = {"video": film, "background": encoded(plain((0, 0, 200)))}
    data = {"effect": "replace-background", "format": "mp4", "speed": "fastest"}
    accepted = client.post("/videos", files=files, data=data)
    (tmp_path / "blue.mp4").write_bytes(client.get(ended(client, accepted)["result"]).content)
    assert read_pictures(tmp_path / "blue.mp4")[0][4, 4].tolist() == pytest.approx([0, 0, 200], abs=12)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"format": "mp4"}, 422, "bad_option"),
        ({"quality": "500"}, 422, "bad_option"),
        ({"qualty": "50"}, 422, "unknown_option"),
        ({"model": "none"}, 404, "unknown_model"),
        ({"keep": "giraffe"}, 422, "bad_option"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    client: TestClient, film: bytes, options: dict[str, str], status: int, code: str
) -> None:
    problem_of(post(client, film, None, **options), status, code)


def test_what_is_no_film_is_refused_at_once(client: TestClient) -> None:
    problem_of(post(client, b"no film at all" * 100), 415, "unsupported_video")
    assert "empty" in problem_of(post(client, b""), 422, "missing_image")["detail"]
    problem_of(client.post("/videos", json={}), 415, "unsupported_body")


def test_a_job_that_is_cancelled_ends_and_leaves_nothing(client: TestClient, long_film: bytes) -> None:
    accepted = post(client, long_film)
    problem_of(client.get(f"{accepted.headers['Location']}/result"), 409, "job_unfinished")
    cancelled = client.delete(accepted.headers["Location"])
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert client.get(accepted.headers["Location"]).json()["result"] is None
    result = client.get(f"{accepted.headers['Location']}/result")
    assert "cancelled" in problem_of(result, 410, "result_gone")["detail"]


def test_the_same_idempotency_key_with_another_matte_is_refused(client: TestClient, film: bytes) -> None:
    headers = {"Idempotency-Key": "film"}
    files = {"video": film, "matte": film}
    assert client.post("/videos", files=files, data={"speed": "fastest"}, headers=headers).status_code == 202
    files["matte"] = encoded(plain((0, 0, 0)))
    again = client.post("/videos", files=files, data={"speed": "fastest"}, headers=headers)
    problem_of(again, 422, "idempotency_key_reused")


def test_an_unknown_job_is_404(client: TestClient) -> None:
    for answer in (client.get("/jobs/none"), client.get("/jobs/none/result"), client.delete("/jobs/none")):
        problem_of(answer, 404, "unknown_job")


KEYS = {
    "shop": Key("shop", frozenset({"videos"}), None, None, hash_of("sil_shop")),
    "meet": Key("meet", frozenset({"videos"}), None, None, hash_of("sil_meet")),
    "photos": Key("photos", frozenset({"images"}), None, None, hash_of("sil_photos")),
    "small": Key("small", frozenset({"videos"}), None, 0.001, hash_of("sil_small")),
}


@pytest.fixture(scope="module")
def guarded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """With keys, room for two jobs, and films of a second at most."""
    path = tmp_path_factory.mktemp("keys") / "keys"
    write_keys(path, list(KEYS.values()))
    changed = {"keys_file": path, "max_jobs": 2, "max_video_s": 1.0, "max_video_bytes": 200_000}
    with ready_client(settings.model_copy(update=changed)) as running:
        yield running


def with_key(name: str) -> dict[str, str]:
    return {"X-Api-Key": f"sil_{name}"}


def test_a_job_is_known_to_its_own_key_alone(guarded: TestClient, film: bytes) -> None:
    accepted = post(guarded, film, with_key("shop"))
    job = ended(guarded, accepted, with_key("shop"))
    assert guarded.get(job["result"], headers=with_key("shop")).status_code == 200
    for path in (accepted.headers["Location"], job["result"]):
        problem_of(guarded.get(path, headers=with_key("meet")), 404, "unknown_job")


def test_films_want_a_scope_of_their_own(guarded: TestClient, film: bytes) -> None:
    problem_of(post(guarded, film, with_key("photos")), 403, "scope_missing")
    problem_of(guarded.get("/jobs/none", headers=with_key("photos")), 404, "unknown_job")


def test_frames_count_for_the_quota_and_set_the_pace(guarded: TestClient, film: bytes) -> None:
    """A thousandth of a megapixel a minute: the first frame overdraws it for good."""
    accepted = post(guarded, film, with_key("small"))
    _wait_until_overdrawn(guarded)
    problem_of(post(guarded, film, with_key("small")), 429, "quota_exceeded")
    assert guarded.delete(accepted.headers["Location"], headers=with_key("small")).json()["state"] == "cancelled"


def _wait_until_overdrawn(guarded: TestClient) -> None:
    """Once the job has charged for its first frame."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        told = guarded.get("/jobs/none", headers=with_key("small")).headers.get("RateLimit", "")
        if '"megapixels";r=0;t=' in told and int(told.rsplit("t=", 1)[1]) > 60:
            return
        time.sleep(0.05)
    raise AssertionError(told)


def test_a_film_that_is_too_long_or_too_large_is_refused(guarded: TestClient, long_film: bytes) -> None:
    problem_of(post(guarded, long_film, with_key("shop")), 422, "video_too_long")
    problem_of(post(guarded, bytes(300_000), with_key("shop")), 413, "too_many_bytes")


def test_more_jobs_than_there_is_room_for_are_told_to_come_back(
    settings: Settings, film: bytes, tmp_path: Path
) -> None:
    with ready_client(settings.model_copy(update={"max_jobs": 0})) as full:
        assert "Retry-After" in post(full, film).headers
        problem_of(post(full, film), 503, "too_many_jobs")


def test_an_upload_may_be_larger_than_what_there_is_room_for_in_memory(settings: Settings, film: bytes) -> None:
    changed = {"max_upload_bytes": 4_000, "max_bytes_in_flight": 4_000}
    padded = film + b"\0\0\x20\x00free" + bytes(8_184)
    with ready_client(settings.model_copy(update=changed)) as small:
        assert ended(small, post(small, padded))["state"] == "done"
        assert io.BytesIO(small.get(ended(small, post(small, padded))["result"]).content).read(4) == b"\x1aE\xdf\xa3"


WITHOUT_AV = """
import sys
from importlib.machinery import PathFinder

class WithoutAv(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "av" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutAv
"""

SAID = """
from service.api.videos import router
print([route.openapi_extra.get("x-missing") for route in router.routes])
"""


@pytest.mark.parametrize(("before", "said"), [("", "[None]"), (WITHOUT_AV, "['video']")])
def test_the_document_says_what_films_need_that_is_not_installed(before: str, said: str) -> None:
    answer = subprocess.run([sys.executable, "-c", before + SAID], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == said

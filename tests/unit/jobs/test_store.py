"""Jobs on disk: in order, each its owner's, and none is lost, whoever is killed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.errors import TooManyJobs, UndecodableVideo, UnknownJob
from service.jobs import Job, JobStore, NewJob, State, StoreLimits

KEEP_S = 100.0
LIMITS = StoreLimits(KEEP_S, most_waiting=9, most_bytes=1_000)


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        self.now_s += 0.001
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[JobStore]:
    opened = JobStore(tmp_path, replace(LIMITS, most_waiting=3), clock)
    yield opened
    opened.close()


def add(store: JobStore, owner: str = "shop", **options: str) -> Job:
    with store.new_folder() as place:
        (place.path / "upload").write_bytes(b"film")
        return store.add(place, NewJob("video", options), owner)


def test_the_oldest_job_is_taken_first_and_once(store: JobStore) -> None:
    first, second = add(store, quality="50"), add(store)
    taken = store.take("video")
    assert taken is not None
    assert (taken.id, taken.state, taken.options, taken.attempts) == (first.id, State.RUNNING, {"quality": "50"}, 1)
    again = store.take("video")
    assert again is not None
    assert again.id == second.id
    assert store.take("video") is None


def test_a_kind_takes_its_own_jobs(store: JobStore) -> None:
    add(store)
    assert store.take("photos") is None


def test_a_job_of_somebody_else_is_unknown(store: JobStore) -> None:
    job = add(store, owner="shop")
    with pytest.raises(UnknownJob):
        store.get(job.id, "meet")
    with pytest.raises(UnknownJob):
        store.cancel(job.id, "meet")


def test_a_result_is_there_until_it_is_old(store: JobStore, clock: Clock) -> None:
    job = add(store)
    store.take("video")
    store.advance(job.id, 5, 10)
    (job.folder / "result.webm").write_bytes(b"cut")
    store.finish(job.id, "result.webm", "video/webm", {"frames": 10})
    done = store.get(job.id, "shop")
    assert (done.state, done.done, done.total, done.media_type, done.notes) == (
        "done",
        5,
        10,
        "video/webm",
        {"frames": 10},
    )
    assert done.result is not None
    assert done.result.read_bytes() == b"cut"
    assert store.clear() == 0
    clock.now_s += KEEP_S
    assert store.clear() == 1
    assert not job.folder.exists()
    with pytest.raises(UnknownJob):
        store.get(job.id, "shop")


def test_a_failure_is_told(store: JobStore) -> None:
    job = add(store)
    store.take("video")
    store.fail(job.id, UndecodableVideo("none of its frames"))
    failed = store.get(job.id, "shop")
    assert (failed.state, failed.failure_code, failed.failure_detail) == (
        "failed",
        "undecodable_video",
        "none of its frames",
    )


def test_the_first_end_holds(store: JobStore) -> None:
    job = add(store)
    store.take("video")
    store.cancel(job.id, "shop")
    store.finish(job.id, "result.webm", "video/webm", {})
    store.advance(job.id, 5, 10)
    cancelled = store.get(job.id, "shop")
    assert (cancelled.state, cancelled.result, cancelled.done) == ("cancelled", None, 0)


def test_more_jobs_than_there_is_room_for_are_refused_and_leave_nothing(store: JobStore) -> None:
    folder = add(store).folder.parent
    add(store)
    add(store)
    with pytest.raises(TooManyJobs):
        add(store)
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 3


def test_an_upload_that_never_became_a_job_is_gone(store: JobStore) -> None:
    with pytest.raises(ValueError, match="no film"), store.new_folder() as place:
        raise ValueError("no film")
    assert not place.path.exists()


def test_what_ran_when_the_service_died_waits_again_and_the_others_are_as_they_were(tmp_path: Path) -> None:
    before = JobStore(tmp_path, LIMITS)
    done, running, queued = add(before), add(before), add(before)
    before.take("video")
    (done.folder / "result.webm").write_bytes(b"cut")
    before.finish(done.id, "result.webm", "video/webm", {})
    before.take("video")
    before.close()  # as a killed process does: without another word
    after = JobStore(tmp_path, LIMITS)
    states = [after.get(job.id, "shop").state for job in (done, running, queued)]
    assert states == ["done", "queued", "queued"]
    taken = after.take("video")
    assert taken is not None
    assert (taken.id, taken.attempts) == (running.id, 2)
    assert (taken.folder / "upload").read_bytes() == b"film"
    after.close()


def test_a_job_that_was_at_work_at_each_of_three_deaths_is_given_up(tmp_path: Path) -> None:
    store = JobStore(tmp_path, LIMITS)
    job = add(store)
    for _ in range(3):
        store.take("video")
        store.close()
        store = JobStore(tmp_path, LIMITS)
    assert store.get(job.id, "shop").failure_code == "job_crashed"
    store.close()


def test_a_stop_is_no_fault_of_the_job(tmp_path: Path) -> None:
    store = JobStore(tmp_path, LIMITS)
    job = add(store)
    for _ in range(5):
        store.take("video")
        store.put_back(job.id)
    assert (store.get(job.id, "shop").state, store.get(job.id, "shop").attempts) == ("queued", 0)
    store.close()


def test_two_services_do_not_share_a_folder(store: JobStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another service"):
        JobStore(tmp_path, LIMITS)
    add(store)


def test_what_else_lies_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    JobStore(tmp_path, LIMITS).close()
    assert (tmp_path / "mine").is_dir()

"""Jobs on disk: in order, each its owner's, and none is lost, whoever is killed."""

import contextlib
import errno
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.errors import StorageFull, TooManyJobs, UndecodableVideo, UnknownBatch, UnknownJob
from service.jobs import Batch, IdempotencyKey, Job, JobStore, NewJob, State, StoreLimits
from service.jobs.deliveries import DELAYS_S, due, forget, postpone
from service.jobs.recovery import MOST_ATTEMPTS

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


def test_a_full_disk_is_told_in_words(store: JobStore) -> None:
    with pytest.raises(StorageFull, match="disk"), store.new_folder() as place:
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not place.path.exists()
    with pytest.raises(PermissionError), store.new_folder():
        raise PermissionError(errno.EACCES, "Permission denied")


def fill(store: JobStore) -> None:
    """Its rows have all the disk that they get: from now on SQLite meets a full one, as the kernel would tell it."""
    (pages,) = store.rows.one("PRAGMA page_count")
    store.rows.one(f"PRAGMA max_page_count = {pages}")


def make_room(store: JobStore) -> None:
    store.rows.one("PRAGMA max_page_count = 1000000")


def test_a_disk_without_room_for_rows_is_told_in_the_same_words_and_does_no_harm(store: JobStore) -> None:
    before = add(store)
    fill(store)
    with pytest.raises(StorageFull, match="disk"):
        add(store, large="x" * 100_000)
    assert [job.id for job in store.jobs_of("shop", 9)] == [before.id]
    assert {path.name for path in before.folder.parent.iterdir()} == {before.id}
    make_room(store)
    assert add(store, large="x" * 100_000).state == "queued"


def test_a_batch_that_finds_the_disk_full_leaves_none_of_its_jobs(store: JobStore) -> None:
    fill(store)
    with store.new_folder() as place:
        jobs = [
            (place.path / name, NewJob("video", {"large": "x" * size})) for name, size in (("a", 1), ("b", 100_000))
        ]
        for path, _ in jobs:
            path.mkdir()
        with pytest.raises(StorageFull, match="disk"):
            store.add_batch(place, jobs, "shop")
    assert store.counts() == {}
    assert list(place.path.parent.iterdir()) == []


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


def test_a_job_that_was_at_work_at_each_of_five_deaths_is_given_up(tmp_path: Path) -> None:
    store = JobStore(tmp_path, LIMITS)
    job = add(store)
    for _ in range(MOST_ATTEMPTS):
        assert store.get(job.id, "shop").state is State.QUEUED
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


def test_owners_take_turns(store: JobStore) -> None:
    first, second, other = add(store, "shop"), add(store, "shop"), add(store, "meet")
    assert (store.position(first), store.position(other)) == (0, 2)
    taken = [job.id for job in (store.take("video") for _ in range(3)) if job is not None]
    assert taken == [first.id, other.id, second.id]


def test_uploads_and_results_have_room_together_until_they_are_cleared(tmp_path: Path) -> None:
    store = JobStore(tmp_path, replace(LIMITS, most_bytes=10))
    first, second = add(store), add(store)  # of 4 bytes each
    with pytest.raises(StorageFull):
        add(store)
    store.clear_folder(store.cancel(second.id, "shop"))
    store.take("video")
    (first.folder / "result.webm").write_bytes(b"a large cut")
    store.finish(first.id, "result.webm", "video/webm", {})
    assert store.get(first.id, "shop").size_bytes == 11  # its upload is gone
    with pytest.raises(StorageFull):
        add(store)
    store.close()


def test_a_batch_is_added_whole_or_not_at_all_and_ends_with_its_last_job(store: JobStore) -> None:
    def add_batch(count: int) -> Batch:
        with store.new_folder() as place:
            folders = [place.path / str(number) for number in range(count)]
            for folder in folders:
                folder.mkdir()
            return store.add_batch(place, [(folder, NewJob("video", {}, folder.name)) for folder in folders], "shop")

    with pytest.raises(TooManyJobs):
        add_batch(4)
    assert store.jobs_of("shop", 9) == []
    batch = add_batch(2)
    one, other = store.jobs_in(batch.id)
    assert ([one.name, other.name], batch.counts) == (["0", "1"], {State.QUEUED: 2})
    store.cancel(one.id, "shop")
    assert store.batch(batch.id, "shop").ended_at is None
    store.take("video")
    store.fail(other.id, UndecodableVideo("none of its frames"))
    assert store.batch(batch.id, "shop").ended_at is not None
    with pytest.raises(UnknownBatch):
        store.batch(batch.id, "meet")


def test_a_batch_and_a_key_go_with_their_jobs(store: JobStore, clock: Clock) -> None:
    key = IdempotencyKey("key", "what was asked for")
    with store.new_folder() as place:
        (place.path / "one").mkdir()
        batch = store.add_batch(place, [(place.path / "one", NewJob("video", {}))], "shop", key)
    store.cancel_batch(batch.id, "shop")
    clock.now_s += KEEP_S + 1
    assert store.clear() == 1
    with pytest.raises(UnknownBatch):
        store.batch(batch.id, "shop")
    with store.new_folder() as place:
        assert store.add(place, NewJob("video", {}), "shop", key).id == place.id


def test_jobs_of_the_first_release_are_taken_over(tmp_path: Path) -> None:
    first = "id, kind, owner, state, options, created_at, ended_at, done, total, attempts"
    columns = f"{first}, failure_code, failure_detail, result, media_type, notes"
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as rows, rows:
        rows.execute(f"CREATE TABLE jobs ({columns})")
        row = ("old", "video", "shop", "queued", "{}", 1, None, 0, None, 0, None, None, None, None, "{}")
        rows.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(row))})", row)
    store = JobStore(tmp_path, LIMITS)
    taken = store.take("video")
    assert taken is not None
    assert (taken.id, taken.batch, taken.name, taken.size_bytes) == ("old", None, "", 0)
    store.close()


def test_an_end_is_told_until_it_is_heard_and_given_up_after_hours(store: JobStore, clock: Clock) -> None:
    with store.new_folder() as place:
        job = store.add(place, NewJob("video", {}), "shop", webhook="https://hooks.example.org/")
    assert not due(store.rows, store.clock(), 9)
    store.cancel(job.id, "shop")
    store.cancel(job.id, "shop")
    (first,) = due(store.rows, store.clock(), 9)
    assert (first.subject, first.url, first.attempts) == (job.id, "https://hooks.example.org/", 0)
    for delay_s in DELAYS_S:
        (each,) = due(store.rows, store.clock(), 9)
        assert each.id == first.id
        assert postpone(store.rows, each, store.clock())
        assert not due(store.rows, store.clock(), 9)
        clock.now_s += delay_s
    (last,) = due(store.rows, store.clock(), 9)
    assert not postpone(store.rows, last, store.clock())
    clock.now_s += 10 * DELAYS_S[-1]
    assert not due(store.rows, store.clock(), 9)


def test_what_was_heard_is_not_told_again(store: JobStore) -> None:
    with store.new_folder() as place:
        job = store.add(place, NewJob("video", {}), "shop", webhook="https://hooks.example.org/")
    store.cancel(job.id, "shop")
    forget(store.rows, due(store.rows, store.clock(), 9)[0])
    assert not due(store.rows, store.clock(), 9)


# --- several processes on one folder ----------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[JobStore, JobStore]]:
    """As two processes have it."""
    one, other = (JobStore(tmp_path, LIMITS, is_shared=True) for _ in range(2))
    yield one, other
    one.close()
    other.close()


def test_one_of_them_is_in_charge_until_it_ends_and_the_next_goes_on(pair: tuple[JobStore, JobStore]) -> None:
    one, other = pair
    assert (one.take_charge(), other.take_charge()) == (True, False)
    job, later = add(one), add(other)
    assert one.take("video") == other.get(job.id, "shop")
    assert not other.take_charge()
    assert other.get(job.id, "shop").state is State.RUNNING
    one.close()  # as a killed process does: without another word
    assert other.take_charge()
    assert [other.get(each.id, "shop").state for each in (job, later)] == [State.QUEUED, State.QUEUED]
    assert other.take_suspect("video") == other.get(job.id, "shop")


def test_who_takes_charge_deletes_what_the_dead_were_taking_in_and_not_what_the_living_are(
    pair: tuple[JobStore, JobStore],
) -> None:
    one, other = pair
    with one.new_folder() as living, other.new_folder() as dead:
        (living.path / "upload").write_bytes(b"film")
        other.close()
        dead.let_go()  # as a killed process does
        assert one.take_charge()
        assert (living.path.exists(), dead.path.exists()) == (True, False)
        job = one.add(living, NewJob("video", {}), "shop")
    assert job.folder.exists()


def test_a_key_stands_for_one_job_though_two_processes_hear_it_at_once(pair: tuple[JobStore, JobStore]) -> None:
    key = IdempotencyKey("key", "what was asked for")

    def add_to(store: JobStore) -> str:
        with store.new_folder() as place:
            start.wait()
            return store.add(place, NewJob("video", {}), "shop", key).id

    start = threading.Barrier(8)
    with ThreadPoolExecutor(8) as callers:
        ids = set(callers.map(add_to, [*pair] * 4))
    assert [job.id for job in pair[0].jobs_of("shop", 9)] == [*ids]


def test_limits_are_for_all_of_them_together(pair: tuple[JobStore, JobStore]) -> None:
    for store in [*pair] * 4:
        add(store)
    add(pair[0])
    with pytest.raises(TooManyJobs):
        add(pair[1])

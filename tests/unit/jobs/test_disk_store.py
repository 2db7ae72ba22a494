"""Jobs on disk: none is lost, whoever is killed, and a full disk is told in words."""

import contextlib
import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.errors import StorageFull
from service.jobs import DiskStore, NewJob, State
from service.jobs.disk import TemporaryStore
from service.jobs.store import MOST_ATTEMPTS
from tests.unit.jobs.stores import LIMITS, Clock, add


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[DiskStore]:
    opened = DiskStore(tmp_path, replace(LIMITS, most_waiting=3), clock)
    yield opened
    opened.close()


def test_a_full_disk_is_told_in_words(store: DiskStore) -> None:
    with pytest.raises(StorageFull, match="disk"), store.new_folder() as place:
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not place.path.exists()
    with pytest.raises(PermissionError), store.new_folder():
        raise PermissionError(errno.EACCES, "Permission denied")


def test_the_first_job_of_a_service_without_a_folder_is_told_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_folder(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(tempfile, "mkdtemp", no_folder)
        with pytest.raises(StorageFull, match="disk"):
            TemporaryStore(LIMITS)
    TemporaryStore(LIMITS).close()


def fill(store: DiskStore) -> None:
    """Its rows have all the disk that they get: from now on SQLite meets a full one, as the kernel would tell it."""
    (pages,) = store.rows.one("PRAGMA page_count")
    store.rows.one(f"PRAGMA max_page_count = {pages}")


def make_room(store: DiskStore) -> None:
    store.rows.one("PRAGMA max_page_count = 1000000")


def test_a_disk_without_room_for_rows_is_told_in_the_same_words_and_does_no_harm(store: DiskStore) -> None:
    before = add(store)
    fill(store)
    with pytest.raises(StorageFull, match="disk"):
        add(store, large="x" * 100_000)
    assert [job.id for job in store.jobs_of("shop", 9)] == [before.id]
    assert {path.name for path in before.folder.parent.iterdir()} == {before.id}
    make_room(store)
    assert add(store, large="x" * 100_000).state == "queued"


def test_a_batch_that_finds_the_disk_full_leaves_none_of_its_jobs(store: DiskStore) -> None:
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
    before = DiskStore(tmp_path, LIMITS)
    done, running, queued = add(before), add(before), add(before)
    before.take("video")
    (done.folder / "result.webm").write_bytes(b"cut")
    before.finish(done.id, "result.webm", "video/webm", {})
    before.take("video")
    before.close()  # as a killed process does: without another word
    after = DiskStore(tmp_path, LIMITS)
    states = [after.get(job.id, "shop").state for job in (done, running, queued)]
    assert states == ["done", "queued", "queued"]
    taken = after.take("video")
    assert taken is not None
    assert (taken.id, taken.attempts) == (running.id, 2)
    assert (taken.folder / "upload").read_bytes() == b"film"
    after.close()


def test_a_job_that_was_at_work_at_each_of_five_deaths_is_given_up(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, LIMITS)
    job = add(store)
    for _ in range(MOST_ATTEMPTS):
        assert store.get(job.id, "shop").state is State.QUEUED
        store.take("video")
        store.close()
        store = DiskStore(tmp_path, LIMITS)
    assert store.get(job.id, "shop").failure_code == "job_crashed"
    store.close()


def test_two_services_do_not_share_a_folder(store: DiskStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another service"):
        DiskStore(tmp_path, LIMITS)
    add(store)


def test_what_else_lies_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    DiskStore(tmp_path, LIMITS).close()
    assert (tmp_path / "mine").is_dir()


def test_jobs_of_the_first_release_are_taken_over(tmp_path: Path) -> None:
    first = "id, kind, owner, state, options, created_at, ended_at, done, total, attempts"
    columns = f"{first}, failure_code, failure_detail, result, media_type, notes"
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as rows, rows:
        rows.execute(f"CREATE TABLE jobs ({columns})")
        row = ("old", "video", "shop", "queued", "{}", 1, None, 0, None, 0, None, None, None, None, "{}")
        rows.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(row))})", row)
    store = DiskStore(tmp_path, LIMITS)
    taken = store.take("video")
    assert taken is not None
    assert (taken.id, taken.batch, taken.name, taken.size_bytes) == ("old", None, "", 0)
    store.close()


# --- several processes on one folder ----------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[DiskStore, DiskStore]]:
    """As two processes have it."""
    one, other = (DiskStore(tmp_path, LIMITS, is_shared=True) for _ in range(2))
    yield one, other
    one.close()
    other.close()


def test_one_of_them_is_in_charge_until_it_ends_and_the_next_goes_on(pair: tuple[DiskStore, DiskStore]) -> None:
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
    pair: tuple[DiskStore, DiskStore],
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

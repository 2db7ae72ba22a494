"""What every store of jobs promises: in order, each its owner's, and nothing lost; on disk and in Redis."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from service.errors import KeyReused, StorageFull, TooManyJobs, UndecodableVideo, UnknownBatch, UnknownJob
from service.jobs import Batch, IdempotencyKey, JobStore, NewJob, State
from service.jobs.deliveries import DELAYS_S
from tests.unit.jobs.stores import KEEP_S, LIMITS, Clock, MakeStore, add, taken_from


def test_the_oldest_job_is_taken_first_and_once(store: JobStore) -> None:
    first, second = add(store, quality="50"), add(store)
    taken = taken_from(store)
    assert (taken.folder / "upload").read_bytes() == b"film"
    assert (taken.id, taken.state, taken.options, taken.attempts) == (first.id, State.RUNNING, {"quality": "50"}, 1)
    assert taken_from(store).id == second.id
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
    taken = taken_from(store)
    store.advance(job.id, 5, 10)
    (taken.folder / "result.webm").write_bytes(b"cut")
    assert store.result_file(store.get(job.id, "shop")) is None
    assert store.finish(job.id, "result.webm", "video/webm", {"frames": 10})
    done = store.get(job.id, "shop")
    assert (done.state, done.done, done.total, done.media_type, done.notes) == (
        "done",
        5,
        10,
        "video/webm",
        {"frames": 10},
    )
    file = store.result_file(done)
    assert file is not None
    assert (file.path.suffix, file.path.read_bytes()) == (".webm", b"cut")
    file.let_go()
    assert store.clear() == 0
    clock.now_s += KEEP_S
    assert store.clear() == 1
    assert not taken.folder.exists()
    assert store.result_file(done) is None
    assert store.jobs_of("shop", 9) == []
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
    taken = taken_from(store)
    store.cancel(job.id, "shop")
    (taken.folder / "result.webm").write_bytes(b"cut")
    assert not store.finish(job.id, "result.webm", "video/webm", {})
    assert not store.fail(job.id, UndecodableVideo("none of its frames"))
    store.advance(job.id, 5, 10)
    cancelled = store.get(job.id, "shop")
    assert (cancelled.state, cancelled.result, cancelled.done) == ("cancelled", None, 0)


def test_more_jobs_than_there_is_room_for_are_refused_and_leave_nothing(store: JobStore) -> None:
    for _ in range(3):
        add(store)
    with store.new_folder() as place, pytest.raises(TooManyJobs):
        store.add(place, NewJob("video", {}), "shop")
    assert not place.path.exists()
    assert len(store.jobs_of("shop", 9)) == 3


def test_an_upload_that_never_became_a_job_is_gone(store: JobStore) -> None:
    with pytest.raises(ValueError, match="no film"), store.new_folder() as place:
        raise ValueError("no film")
    assert not place.path.exists()


def test_a_stop_is_no_fault_of_the_job(store: JobStore) -> None:
    job = add(store)
    for _ in range(5):
        assert taken_from(store).id == job.id
        store.put_back(job.id)
    assert (store.get(job.id, "shop").state, store.get(job.id, "shop").attempts) == ("queued", 0)


def test_owners_take_turns(store: JobStore) -> None:
    first, second, other = add(store, "shop"), add(store, "shop"), add(store, "meet")
    assert (store.position(first), store.position(other)) == (0, 2)
    taken = [job.id for job in (store.take("video") for _ in range(3)) if job is not None]
    assert taken == [first.id, other.id, second.id]


def test_uploads_and_results_have_room_together_until_they_are_cleared(make_store: MakeStore) -> None:
    store = make_store(replace(LIMITS, most_bytes=14))
    first, second, third = (add(store) for _ in range(3))  # of 4 bytes each
    with pytest.raises(StorageFull):
        add(store)
    store.cancel(second.id, "shop")
    store.clear_folder(second.id)
    (taken_from(store).folder / "result.webm").write_bytes(b"a large cut")
    store.finish(first.id, "result.webm", "video/webm", {})
    assert store.get(first.id, "shop").size_bytes == 11  # its upload is gone
    with pytest.raises(StorageFull):
        add(store)
    store.cancel(first.id, "shop")
    store.clear_folder(first.id)
    add(store)
    assert {job.id for job in store.jobs_of("shop", 9, State.CANCELLED)} == {second.id}
    assert taken_from(store).id == third.id


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
    assert taken_from(store).id == other.id
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


def test_an_end_is_told_until_it_is_heard_and_given_up_after_hours(store: JobStore, clock: Clock) -> None:
    with store.new_folder() as place:
        job = store.add(place, NewJob("video", {}), "shop", webhook="https://hooks.example.org/")
    assert not store.due(9)
    store.cancel(job.id, "shop")
    store.cancel(job.id, "shop")
    seen = set()
    for attempts, delay_s in enumerate(DELAYS_S):
        (each,) = store.due(9)
        assert (each.subject, each.url, each.attempts) == (job.id, "https://hooks.example.org/", attempts)
        seen.add(each.id)
        assert store.postpone(each)
        assert not store.due(9)
        clock.now_s += delay_s
    (last,) = store.due(9)
    assert {last.id} == seen
    assert not store.postpone(last)
    clock.now_s += 10 * DELAYS_S[-1]
    assert not store.due(9)


def test_what_was_heard_is_not_told_again(store: JobStore, clock: Clock) -> None:
    with store.new_folder() as place:
        job = store.add(place, NewJob("video", {}), "shop", webhook="https://hooks.example.org/")
    store.cancel(job.id, "shop")
    store.forget(store.due(9)[0])
    clock.now_s += 10 * DELAYS_S[-1]
    assert not store.due(9)


def test_a_key_stands_for_one_job_though_two_processes_hear_it_at_once(make_store: MakeStore) -> None:
    pair = (make_store(LIMITS), make_store(LIMITS))
    key = IdempotencyKey("key", "what was asked for")

    def add_to(store: JobStore) -> str:
        with store.new_folder() as place:
            start.wait()
            return store.add(place, NewJob("video", {}), "shop", key).id

    start = threading.Barrier(8)
    with ThreadPoolExecutor(8) as callers:
        ids = set(callers.map(add_to, [*pair] * 4))
    assert [job.id for job in pair[0].jobs_of("shop", 9)] == [*ids]
    with pytest.raises(KeyReused), pair[0].new_folder() as place:
        pair[0].add(place, NewJob("video", {}), "shop", IdempotencyKey("key", "something else"))


def test_limits_are_for_all_of_them_together(make_store: MakeStore) -> None:
    pair = (make_store(LIMITS), make_store(LIMITS))
    for store in [*pair] * 4:
        add(store)
    add(pair[0])
    with pytest.raises(TooManyJobs):
        add(pair[1])

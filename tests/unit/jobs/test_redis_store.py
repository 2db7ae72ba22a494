"""Jobs in Redis: a dead machine's are done by another, a late one writes nothing, and none is lost where it is away."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from service.errors import JobsAway, StorageFull, TooManyBytes, UndecodableVideo, UnknownJob
from service.jobs import IdempotencyKey, Job, NewJob, State
from service.jobs.redis import RedisStore, intake
from service.jobs.redis.claims import Claim
from service.jobs.redis.link import PREFIX, RETRY_S
from service.jobs.store import MOST_ATTEMPTS
from tests.redis_server import RedisServer
from tests.unit.jobs.stores import KEEP_S, LEASE_S, LIMITS, Clock, MakeMachine, add, taken_from

PATIENCE_S = 60.0

LASTING = ("bytes", "counts", "kinds", "looked_at", "seq")
"""What Redis has of jobs when there are none."""


def lives_on(store: RedisStore, clock: Clock, *at_work: Job) -> int:
    """Others say nothing, until their leases have run out; how many jobs they had."""
    deaths = 0
    for _ in range(5):
        clock.now_s += LEASE_S / 4
        deaths += store.look([job.id for job in at_work]).deaths
    return deaths


def finish(store: RedisStore, job: Job, content: bytes) -> bool:
    (job.folder / "result.png").write_bytes(content)
    return store.finish(job.id, "result.png", "image/png", {})


def test_what_a_dead_machine_had_at_work_is_done_by_another_and_a_late_one_writes_nothing(
    machine: MakeMachine, clock: Clock
) -> None:
    late, other = machine(), machine()
    job = add(late)
    first = taken_from(late)
    assert lives_on(other, clock) == 1
    assert "video" in other.look([]).suspected
    assert other.take("video") is None  # with others beside it, it might take them along
    again = other.take_suspect("video")
    assert again is not None
    assert (again.id, again.attempts) == (job.id, 2)
    assert not finish(late, first, b"late")
    assert not late.look([]).lost
    assert finish(other, again, b"whole")
    file = late.result_file(late.get(job.id, "shop"))
    assert file is not None
    assert file.path.read_bytes() == b"whole"


def test_a_machine_that_lost_its_job_is_told_so(machine: MakeMachine, clock: Clock) -> None:
    slow, other = machine(), machine()
    job = add(slow)
    taken = taken_from(slow)
    lives_on(other, clock)
    assert slow.look([job.id]).lost == [job.id]
    slow.clear_folder(job.id)
    assert not taken.folder.exists()
    again = other.take_suspect("video")
    assert again is not None
    assert (again.folder / "upload").read_bytes() == b"film"


def test_whoever_looks_keeps_its_jobs(machine: MakeMachine, clock: Clock) -> None:
    one, other = machine(), machine()
    job = add(one)
    taken = taken_from(one)
    for _ in range(9):
        clock.now_s += LEASE_S / 4
        assert not one.look([job.id]).lost
        assert other.look([]).deaths == 0
    assert finish(one, taken, b"cut")


def test_a_redis_that_was_away_for_long_makes_no_machine_a_dead_one(machine: MakeMachine, clock: Clock) -> None:
    one, other = machine(), machine()
    job = add(one)
    taken = taken_from(one)
    one.look([job.id])
    clock.now_s += 10 * LEASE_S
    assert other.look([]).deaths == 0
    assert not one.look([job.id]).lost
    assert finish(one, taken, b"cut")


def test_machines_that_all_die_young_keep_no_job_from_the_next_one(machine: MakeMachine, clock: Clock) -> None:
    """Each lives for a third of a lease, long after the one before."""
    first = machine()
    job = add(first)
    taken_from(first)
    first.look([job.id])
    deaths = 0
    for _ in range(4):
        clock.now_s += 10 * LEASE_S
        other = machine()
        for _ in range(4):
            deaths += other.look([]).deaths
            clock.now_s += LEASE_S / 9
    assert deaths == 1
    assert machine().take_suspect("video") is not None


def test_an_end_that_is_just_being_heard_is_nothing_that_was_lost(machine: MakeMachine, redis: RedisServer) -> None:
    """Whoever says it looks at the same moment."""
    store, other = machine(), machine()
    job = add(store)
    taken = taken_from(store)
    token = redis.ask("HGET", f"{PREFIX}job:{job.id}", "token")
    assert finish(store, taken, b"cut")
    store._claims._claims[job.id] = Claim(token, taken.folder)
    assert not store.look([job.id]).lost
    other.cancel(job.id, "shop")
    assert not store.look([job.id]).lost


def test_what_one_machine_cancels_the_other_is_told_of(machine: MakeMachine) -> None:
    one, other = machine(), machine()
    job = add(one)
    taken = taken_from(one)
    assert other.cancel(job.id, "shop").state is State.CANCELLED
    assert one.look([job.id]).lost == [job.id]
    assert not finish(one, taken, b"cut")
    assert other.result_file(other.get(job.id, "shop")) is None


def test_a_job_that_was_at_work_at_each_of_five_deaths_is_given_up(machine: MakeMachine, clock: Clock) -> None:
    store = machine()
    job = add(store)
    taken_from(store)
    for attempts in range(2, MOST_ATTEMPTS + 1):
        lives_on(store, clock)
        again = store.take_suspect("video")
        assert again is not None
        assert again.attempts == attempts
    lives_on(store, clock)
    failed = store.get(job.id, "shop")
    assert (failed.state, failed.failure_code) == (State.FAILED, "job_crashed")
    assert "5 times" in str(failed.failure_detail)


def test_an_end_that_was_not_heard_is_said_again(machine: MakeMachine) -> None:
    store = machine()
    job = add(store)
    taken_from(store)
    assert store.fail(job.id, UndecodableVideo("none of its frames"))
    assert not store.fail(job.id, UndecodableVideo("none of its frames"))  # it has let go of it
    assert store.get(job.id, "shop").failure_code == "undecodable_video"


def test_of_two_machines_one_tells_of_an_end_and_another_where_it_does_not(machine: MakeMachine, clock: Clock) -> None:
    one, other = machine(), machine()
    with one.new_folder() as place:
        job = one.add(place, NewJob("video", {}), "shop", webhook="https://hooks.example.org/")
    one.cancel(job.id, "shop")
    (first,) = one.due(9)
    assert not other.due(9)
    clock.now_s += 61
    assert list(other.due(9)) == [first]


def test_nothing_is_left_of_what_is_forgotten_and_all_keys_are_of_one_slot(
    machine: MakeMachine, clock: Clock, redis: RedisServer
) -> None:
    store, key = machine(), IdempotencyKey("key", "asked")
    add(store, "shop")
    with store.new_folder() as place:
        (place.path / "one").mkdir()
        (place.path / "one" / "upload").write_bytes(b"film")
        batch = store.add_batch(place, [(place.path / "one", NewJob("photo", {}))], "meet", key, "https://h.example/")
    done, failed = taken_from(store), store.take("photo")
    assert failed is not None
    finish(store, done, b"cut")
    store.fail(failed.id, UndecodableVideo("none"))
    assert store.batch(batch.id, "meet").ended_at is not None
    store.forget(store.due(9)[0])
    store.look([])
    assert all(each.startswith(PREFIX) for each in redis.ask("KEYS", "*"))
    clock.now_s += KEEP_S + 1
    assert store.clear() == 2
    assert sorted(redis.ask("KEYS", "*")) == [PREFIX + each for each in LASTING]
    assert redis.ask("GET", f"{PREFIX}bytes") == "0"
    assert set(redis.ask("HVALS", f"{PREFIX}counts")) == {"0"}


def test_pictures_do_not_stay_where_their_job_never_came(machine: MakeMachine, redis: RedisServer) -> None:
    store = machine(replace(LIMITS, most_waiting=1))
    job = add(store)
    assert redis.ask("TTL", f"{PREFIX}files:{job.id}") == -1
    arrival = intake.Arrival("lost", job.folder.parent / "lost", NewJob("video", {}))
    arrival.folder.mkdir()
    (arrival.folder / "upload").write_bytes(b"film")
    store._intake._upload(arrival, 4)
    assert 0 < redis.ask("TTL", f"{PREFIX}files:lost") <= intake.UPLOAD_LIFE_S


def test_more_than_redis_is_to_have_of_one_job_is_refused_in_words(machine: MakeMachine) -> None:
    store = machine(replace(LIMITS, most_bytes=10**12))
    with store.new_folder() as place:
        with (place.path / "upload").open("wb") as file:
            file.truncate(intake.MOST_BYTES + 1)
        with pytest.raises(TooManyBytes, match="Redis"):
            store.add(place, NewJob("video", {}), "shop")


def test_a_redis_without_memory_takes_no_job_and_keeps_each_end(machine: MakeMachine, redis: RedisServer) -> None:
    store = machine()
    job = add(store)
    taken = taken_from(store)
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StorageFull, match="memory"):
            add(store)
        assert finish(store, taken, b"cut")
    finally:
        redis.ask("CONFIG", "SET", "maxmemory", "0")
    assert [each.id for each in store.jobs_of("shop", 9)] == [job.id]


def test_a_redis_that_throws_jobs_away_when_it_is_full_is_told_of(
    machine: MakeMachine, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = machine()
    assert store.take_charge()
    assert "throws jobs away" not in caplog.text
    redis.ask("CONFIG", "SET", "maxmemory", "1gb")
    redis.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        assert store.take_charge()
    finally:
        redis.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        redis.ask("CONFIG", "SET", "maxmemory", "0")
    assert "throws jobs away" in caplog.text


def test_what_somebody_deletes_in_redis_stops_nobody(machine: MakeMachine, clock: Clock, redis: RedisServer) -> None:
    store = machine()
    ended, at_work, waiting, last = add(store), add(store), add(store), add(store)
    finish(store, taken_from(store), b"cut")
    taken_from(store)
    redis.ask("DEL", *(f"{PREFIX}job:{job.id}" for job in (ended, at_work, waiting)))
    assert taken_from(store).id == last.id
    lives_on(store, clock, last)
    clock.now_s += KEEP_S
    store.clear()
    with pytest.raises(UnknownJob):
        store.get(ended.id, "shop")


def test_a_redis_that_is_away_is_told_of_and_has_all_jobs_when_it_is_back(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path, is_lasting=True)
    redis.start()
    redis.until_there()
    store = RedisStore(redis.secret_url, LIMITS)
    try:
        job = add(store)
        taken = taken_from(store)
        redis.stop()
        for ask in (lambda: add(store), lambda: store.get(job.id, "shop"), lambda: finish(store, taken, b"cut")):
            with pytest.raises(JobsAway) as away:
                ask()
            assert away.value.retry_after_s > RETRY_S
        assert "Redis" in str(store.trouble)
        redis.start()
        redis.until_there()
        finished = until_asked(lambda: finish(store, taken, b"cut"))
        assert (finished, store.trouble) == (True, None)
        assert store.get(job.id, "shop").state is State.DONE
    finally:
        store.close()
        redis.stop()


def until_asked(ask: Callable[[], bool]) -> bool:
    """Again until Redis is there: it is not asked for a moment, and reads its log first."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask()
        except JobsAway:
            assert time.monotonic() < until
            time.sleep(0.05)  # polls

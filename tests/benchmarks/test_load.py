"""The arithmetic and the reading of answers behind benchmarks/soak.py and the other loads."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from benchmarks.load import (
    HOST,
    Answer,
    Load,
    MalformedAnswer,
    Tally,
    multipart,
    parse_head,
    percentile,
    run_load,
    turns,
)
from benchmarks.memory import MEGABYTE, Memory, Slope, slope
from benchmarks.soak import Growth, Soak, growths, photos

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
REQUEST = multipart("/", "image", b"photo", {})


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile([3, 1, 2, 4], 0.51) == 3
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([7], 0.99) == 7


def test_there_is_no_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 0.5))


def test_a_head_tells_its_status_and_how_long_its_body_is() -> None:
    head = parse_head(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nx: y\r\n\r\n")
    assert (head.status, head.body_bytes, head.chunked, head.closes) == (200, 12, False, False)
    assert head.retry_after_s is None


def test_a_head_without_a_length_lasts_until_the_connection_ends() -> None:
    head = parse_head(b"HTTP/1.1 200 OK\r\n\r\n")
    assert (head.body_bytes, head.chunked, head.closes) == (None, False, True)


@pytest.mark.parametrize(
    ("line", "closes"), [("HTTP/1.1 200 OK\r\nConnection: Close", True), ("HTTP/1.0 200 OK", True)]
)
def test_a_head_tells_whether_the_connection_goes_on(line: str, closes: bool) -> None:
    assert parse_head(f"{line}\r\nContent-Length: 0\r\n\r\n".encode()).closes is closes


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("Fri, 31 Dec 1999 23:59:59 GMT", None), ("-1", None)])
def test_retry_after_is_read_in_seconds_only(value: str, seconds: float | None) -> None:
    assert parse_head(f"HTTP/1.1 503 No\r\nRetry-After: {value}\r\n\r\n".encode()).retry_after_s == seconds


@pytest.mark.parametrize(
    "head", [b"\x16\x03\x01\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200\r\nContent-Length: x"]
)
def test_what_is_not_http_is_malformed(head: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_head(head)


def test_a_multipart_request_says_how_long_it_is() -> None:
    head, _, body = multipart("/segment", "image", b"\xff\r\n--", {"model": "selfie"}).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /segment HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert b'name="model"\r\n\r\nselfie\r\n' in body
    assert b'name="image"; filename="photo"' in body


def test_goodput_counts_good_answers_only() -> None:
    tally = Tally([Answer(200, 1.0, 5), Answer(200, 3.0, 5), Answer(503, 0.1, 1), Answer(422, 0.1, 1)])
    tally.elapsed_s = 4.0
    assert tally.goodput == pytest.approx(0.5)
    assert tally.refused_share == 0.25
    assert tally.latency_s(1.0) == 3.0
    assert tally.statuses == {200: 2, 422: 1, 503: 1}
    assert tally.received_bytes == 12


@asynccontextmanager
async def answering(answers: Sequence[bytes]) -> AsyncIterator[int]:
    """The port of a server that gives these answers, one a request, and then says nothing more."""
    left = iter(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(len(REQUEST)):
            writer.write(next(left, b""))
        writer.close()

    async with await asyncio.start_server(talk, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _loaded(answers: Sequence[bytes], seconds: float = 0.2, grace_s: float = 0.1, obey: bool = False) -> Tally:
    tally = Tally()
    async with answering(answers) as port:
        await run_load(Load(port, [REQUEST], 1, seconds, grace_s, obey), tally)
    return tally


def loaded(answers: Sequence[bytes], obey: bool = False) -> Tally:
    return asyncio.run(_loaded(answers, obey=obey))


def test_a_client_asks_again_on_the_same_connection() -> None:
    tally = loaded([OK, CHUNKED, OK])
    assert [answer.body_bytes for answer in tally.answers] == [2, 5, 2]
    assert tally.reconnects == 0


def test_what_is_never_answered_is_counted() -> None:
    tally = loaded([OK])
    assert (len(tally.good), tally.unanswered, tally.broken) == (1, 1, 0)


def test_a_client_connects_again_where_the_server_ended_the_connection() -> None:
    tally = loaded([LAST, OK])
    assert len(tally.good) == 2
    assert tally.reconnects == 1


def test_a_refused_client_waits_as_long_as_it_was_told() -> None:
    tally = loaded([FULL, OK], obey=True)
    assert tally.statuses == {503: 1}
    assert tally.unanswered == 0


def test_a_server_that_is_not_there_breaks_every_request() -> None:
    async def nobody() -> Tally:
        async with answering([]) as port:
            pass
        tally = Tally()
        await run_load(Load(port, [REQUEST], 2, 0.1, 0.1), tally)
        return tally

    assert asyncio.run(nobody()).broken == 2


def test_a_slope_is_in_megabytes_a_minute() -> None:
    samples = [(second, second * 2 * MEGABYTE // 60) for second in range(300)]
    found = slope(samples, 120)
    assert found is not None
    assert found.mb_per_minute == pytest.approx(2, abs=1e-4)
    assert found.error < 1e-4


def test_what_happens_before_things_have_settled_does_not_count() -> None:
    samples = [(second, 100 * MEGABYTE + (second < 120) * second * MEGABYTE) for second in range(300)]
    found = slope(samples, 120)
    assert found is not None
    assert found.mb_per_minute == pytest.approx(0)


def test_two_samples_make_no_slope() -> None:
    assert slope([(0, 1), (130, 2), (140, 3)], 120) is None


def test_the_peak_is_that_of_all_processes_at_one_moment() -> None:
    memory = Memory()
    memory.add(1.0, {1: 10, 2: 20})
    memory.add(2.0, {1: 25, 3: 1})
    assert memory.peak_bytes == 30
    assert memory.samples[1] == [(1.0, 10), (2.0, 25)]


def test_the_service_comes_first_and_what_nobody_knows_last() -> None:
    loaded, at_rest = Memory(), Memory()
    loaded.add(1.0, {7: 4 * MEGABYTE, 8: 1, 9: 1})
    at_rest.add(1.0, {7: 2 * MEGABYTE, 8: 1, 9: 1})
    found = growths(loaded, at_rest, {9: "service", 8: "worker 0"}, 0)
    assert [growth.role for growth in found] == ["service", "worker 0", "helper"]
    assert found[2] == Growth("helper", 4.0, 2.0, None)


def soak(mb_per_minute: float, status: int = 200, restarts: float = 0) -> Soak:
    growing = Growth("service", 1, 1, Slope(mb_per_minute, 0))
    return Soak(Tally([Answer(status, 1, 1)]), [growing], restarts)


def test_a_soak_fails_where_something_grows_restarts_or_is_refused() -> None:
    assert soak(0.99).failures() == []
    assert soak(1.0).failures() == ["service grows by 1.00 MB a minute"]
    assert soak(0, restarts=2).failures() == ["2 workers were restarted"]
    assert soak(0, status=503).failures() == ["1 requests were not answered with 2xx"]


def test_a_soak_that_was_too_short_does_not_pass() -> None:
    assert Soak(Tally(), [Growth("service", 1, 1, None)], 0).failures()


def test_the_photos_of_a_seed_are_always_the_same() -> None:
    assert photos(1, ((64, 48),)) == photos(1, ((64, 48),))
    assert photos(1, ((64, 48),)) != photos(2, ((64, 48),))


def test_clients_that_take_requests_in_turn_send_each_as_often() -> None:
    load = Load(0, [b"a", b"b", b"c"], connections=2, seconds=1, seed=None)
    assert [b"".join(itertools.islice(turns(load, number), 4)) for number in (0, 1, 3)] == [b"abca", b"bcab", b"abca"]


def test_clients_that_draw_requests_draw_the_same_for_the_same_seed() -> None:
    drawn = [list(itertools.islice(turns(Load(0, [b"a", b"b"], 1, 1, seed=seed), 0), 50)) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == {b"a", b"b"}

"""The arithmetic and the reading of answers behind benchmarks/reliability/soak.py and the other loads."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from benchmarks.harness.load import (
    HOST,
    Answer,
    Load,
    Tally,
    multipart,
    percentile,
    run_load,
)
from benchmarks.harness.memory import MEGABYTE, Memory, Slope, slope
from benchmarks.reliability.soak import Growth, Soak

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


async def _loaded(answers: Sequence[bytes], seconds: float = 1.0, grace_s: float = 0.5, obey: bool = False) -> Tally:
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


def test_a_refused_client_waits_as_long_as_it_was_told() -> None:
    tally = loaded([FULL, OK], obey=True)
    assert tally.statuses == {503: 1}
    assert tally.unanswered == 0


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

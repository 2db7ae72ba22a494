"""A closed-loop load generator: N clients on keep-alive sockets, each asks again when it was answered.

Only ever talks to this machine. Knows nothing of pictures, models or servers.

What it guarantees: every request that was sent is counted once, as an answer with its status, as broken (the
connection ended early) or as unanswered (the grace was over). Clients stop asking after `seconds`; what is on its way
then may still be answered, and the clock runs on until it is. So a slow server loses nothing but time.
"""

import asyncio
import hashlib
import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

HOST = "127.0.0.1"
REFUSED = 503
READ_BYTES = 1 << 18
MAX_HEAD_BYTES = 1 << 16

REFUSED_PAUSE_S = 0.5
"""Before a client that was refused, or cut off, asks again. Without a pause a closed loop measures how fast a server
can say no, and its own clients take the cores from those who are served."""


class MalformedAnswer(ConnectionError):
    """What came back is not HTTP/1.1, or more than anyone would send."""


@dataclass(frozen=True)
class Head:
    """What the client needs to know of an answer before its body."""

    status: int
    body_bytes: int | None
    """None: chunked, or until the connection ends."""
    chunked: bool
    closes: bool
    """The server will not answer again on this connection."""
    retry_after_s: float | None


@dataclass(frozen=True)
class Answer:
    """One request that was answered. Latency runs from its first byte to the last byte of the answer."""

    status: int
    latency_s: float
    body_bytes: int

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Load:
    """Who asks what, how many at once, and for how long."""

    port: int
    requests: Sequence[bytes]
    """Whole HTTP requests; see `seed` for who sends which."""
    connections: int
    seconds: float
    grace_s: float = 180.0
    """For what is on its way when `seconds` are over."""
    obey_retry_after: bool = False
    """A refused client waits as long as it was told, instead of REFUSED_PAUSE_S."""
    seed: int | None = 0
    """Each client draws at random, in the same order for the same seed. None: each takes them in turn, so that a slow
    server and a fast one are asked for the same mixture."""


@dataclass
class Tally:
    """What came of a Load, or of several, one after the other: run_load adds to what is there."""

    answers: list[Answer] = field(default_factory=list)
    broken: int = 0
    unanswered: int = 0
    reconnects: int = 0
    elapsed_s: float = 0.0
    """Until the last answer was there; known when the Load has ended."""

    @property
    def statuses(self) -> dict[int, int]:
        return dict(sorted(Counter(answer.status for answer in self.answers).items()))

    @property
    def good(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.good]

    @property
    def lost(self) -> int:
        """Requests that were refused, failed or never answered."""
        return len(self.answers) - len(self.good) + self.broken + self.unanswered

    @property
    def goodput(self) -> float:
        """2xx answers a second, until the last one was there."""
        return len(self.good) / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def refused_share(self) -> float:
        """Of all answers, those that said 503."""
        return self.statuses.get(REFUSED, 0) / len(self.answers) if self.answers else 0.0

    @property
    def received_bytes(self) -> int:
        return sum(answer.body_bytes for answer in self.answers)

    def latency_s(self, share: float) -> float:
        """The percentile of the good answers; NaN where there is none."""
        return percentile([answer.latency_s for answer in self.good], share)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank, never interpolated)."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def multipart(path: str, name: str, content: bytes, fields: Mapping[str, str]) -> bytes:
    """A whole POST request: `content` as the file `name`, and form fields."""
    boundary = hashlib.sha256(content).hexdigest()[:32].encode()
    parts = [_part(f'name="{key}"', value.encode()) for key, value in fields.items()]
    parts.append(_part(f'name="{name}"; filename="photo"\r\nContent-Type: application/octet-stream', content))
    body = b"".join(b"--" + boundary + b"\r\n" + part for part in parts) + b"--" + boundary + b"--\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary.decode()}\r\n\r\n"
    )
    return head.encode() + body


def _part(disposition: str, content: bytes) -> bytes:
    return f"Content-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def parse_head(head: bytes) -> Head:
    """From the status line to the empty line. Raises MalformedAnswer."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
        raise MalformedAnswer(f"not a status line: {first[:80]!r}")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    length = headers.get("content-length")
    if length is not None and not length.isdecimal():
        raise MalformedAnswer(f"not a length: {length[:80]!r}")
    until_end = length is None and not chunked
    closes = until_end or version == "HTTP/1.0" or headers.get("connection", "").lower() == "close"
    body_bytes = None if chunked or length is None else int(length)
    return Head(int(rest[:3]), body_bytes, chunked, closes, _seconds(headers.get("retry-after")))


def _seconds(retry_after: str | None) -> float | None:
    """The other form of Retry-After, a date, counts as absent: no server here sends it."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None


async def run_load(load: Load, tally: Tally) -> None:
    """Ends when every client has ended, or when the grace is over."""
    started = time.perf_counter()
    stop_at = started + load.seconds
    try:
        async with asyncio.timeout(load.seconds + load.grace_s), asyncio.TaskGroup() as clients:
            for number in range(load.connections):
                clients.create_task(_Client(load, tally, number, stop_at).run())
    except TimeoutError:
        pass  # each client has counted what it still waited for
    finally:
        tally.elapsed_s += time.perf_counter() - started


def turns(load: Load, number: int) -> Iterator[bytes]:
    """What client `number` sends, one after the other, without end."""
    if load.seed is None:
        start = number % len(load.requests)
        return itertools.cycle([*load.requests[start:], *load.requests[:start]])
    draw = random.Random(f"{load.seed}-{number}")
    return (draw.choice(load.requests) for _ in itertools.count())


class _Client:
    """One connection, and whoever sits behind it."""

    def __init__(self, load: Load, tally: Tally, number: int, stop_at: float) -> None:
        self._load = load
        self._tally = tally
        self._requests = turns(load, number)
        self._stop_at = stop_at
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        try:
            while time.perf_counter() < self._stop_at:
                await self._pause(await self._ask(next(self._requests)))
        finally:
            self._hang_up()

    async def _ask(self, request: bytes) -> float:
        """Counts the answer. Returns how long to wait before asking again."""
        sent = time.perf_counter()
        try:
            head, body_bytes = await self._exchange(request)
        except asyncio.CancelledError:
            self._tally.unanswered += 1
            raise
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            self._tally.broken += 1
            self._hang_up()
            return REFUSED_PAUSE_S
        self._tally.answers.append(Answer(head.status, time.perf_counter() - sent, body_bytes))
        if head.closes:
            self._hang_up()
        return self._patience_s(head)

    def _patience_s(self, head: Head) -> float:
        if head.status != REFUSED:
            return 0.0
        told = head.retry_after_s if self._load.obey_retry_after else None
        return REFUSED_PAUSE_S if told is None else told

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, min(seconds, self._stop_at - time.perf_counter())))

    async def _exchange(self, request: bytes) -> tuple[Head, int]:
        reader, writer = await self._connected()
        writer.write(request)  # not drained: a server that refuses early answers before it has read everything
        head = parse_head(await reader.readuntil(b"\r\n\r\n"))
        return head, await _skip_body(reader, head)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(HOST, self._load.port, limit=MAX_HEAD_BYTES)
        return self._reader, self._writer

    def _hang_up(self) -> None:
        """The next request, if there is one, takes a new connection."""
        if self._writer is not None:
            self._writer.close()
            self._tally.reconnects += time.perf_counter() < self._stop_at
        self._reader = self._writer = None


async def _skip_body(reader: asyncio.StreamReader, head: Head) -> int:
    """Reads the body and forgets it. Returns how long it was."""
    if head.chunked:
        return await _skip_chunks(reader)
    if head.body_bytes is None:
        return await _skip(reader, None)
    return await _skip(reader, head.body_bytes)


async def _skip_chunks(reader: asyncio.StreamReader) -> int:
    total = 0
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        total += await _skip(reader, size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return total


async def _skip(reader: asyncio.StreamReader, count: int | None) -> int:
    """So many bytes, or all until the end. Raises EOFError where there are fewer."""
    done = 0
    while count is None or done < count:
        chunk = await reader.read(READ_BYTES if count is None else min(READ_BYTES, count - done))
        if not chunk:
            break
        done += len(chunk)
    if count is not None and done < count:
        raise EOFError(f"{done} of {count} bytes")
    return done

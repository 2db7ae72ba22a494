"""Everybody who comes to a service on a bad day: good clients, slow ones, impatient ones, deaf ones and hostile ones.

Each visitor comes again and again until it is told to stop, and notes what it was answered. Only ever talks to this
machine.
"""

import asyncio
import contextlib
import io
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import websockets
from PIL import Image
from skimage import data

from benchmarks.harness.cameras import framed, hello, jpeg, opened, room
from benchmarks.harness.load import HOST, multipart
from benchmarks.harness.photos import photos
from service.configuration_errors import ConfigurationError

DEADLINE_S = 20.0
"""That every patient request names."""

SLACK_S = 5.0
"""Beyond its deadline: the deadline is for the answer's making, and its bytes have to travel."""

TRICKLE_BYTES, TRICKLE_S = 4_096, 0.25
FPS = 5
SEED = 13


@dataclass
class Notes:
    """What the visitors of one kind were answered."""

    answers: Counter[str] = field(default_factory=Counter)
    """By status, or by what else came of it."""
    faults: list[str] = field(default_factory=list)
    """What should not have been."""
    slowest_s: float = 0.0

    def took(self, what: str, started: float) -> None:
        self.answers[what] += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - started)


@dataclass
class Visit:
    """Where, until when, and what for."""

    port: int
    until: float
    """On time.monotonic()."""
    model: str
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


Visitor = Callable[[Visit, Notes], Coroutine[Any, Any, None]]


def judge(notes: Notes, answer: httpx2.Response, started: float) -> None:
    """A result, or a refusal that says when to come back; anything else is a fault."""
    notes.took(str(answer.status_code), started)
    if answer.status_code in (429, 503) and "Retry-After" not in answer.headers:
        notes.faults.append(f"{answer.status_code} without Retry-After")
    if answer.status_code not in (200, 429, 503, 504):
        notes.faults.append(f"{answer.status_code} {answer.text[:120]}")
    if time.monotonic() - started > DEADLINE_S + SLACK_S:
        notes.faults.append(f"answered {time.monotonic() - started:.0f} s after it came")


async def _patient(visit: Visit, notes: Notes, content: Sequence[bytes], headers: dict[str, str]) -> None:
    """Asks again when it was answered, and waits where it is told to."""
    sent = {"Content-Type": "image/jpeg", "X-Request-Timeout-Ms": str(round(DEADLINE_S * 1000)), **headers}
    async with httpx2.AsyncClient(base_url=visit.url, timeout=DEADLINE_S + 30) as client:
        while not visit.is_over:
            started, query = time.monotonic(), {"model": visit.model, "allow_empty": "true"}
            try:
                answer = await client.post(
                    "/remove-background", content=visit.draw.choice(content), params=query, headers=sent
                )
            except httpx2.HTTPError as error:
                notes.faults.append(f"no answer: {type(error).__name__}")
                continue
            judge(notes, answer, started)
            await asyncio.sleep(float(answer.headers.get("Retry-After", "0")))


async def interactive(visit: Visit, notes: Notes) -> None:
    await _patient(visit, notes, photos("1080p"), {})


async def bulk(visit: Visit, notes: Notes) -> None:
    await _patient(visit, notes, photos("1080p"), {"Priority": "u=6"})


async def large(visit: Visit, notes: Notes) -> None:
    await _patient(visit, notes, photos("12mp"), {})


async def live(visit: Visit, notes: Notes) -> None:
    """A camera; a session that ends early begins again."""
    frame = jpeg(room((640, 480)))
    while not visit.is_over:
        started = time.monotonic()
        try:
            async with websockets.connect(f"ws://{HOST}:{visit.port}/stream") as socket:
                await opened(socket, hello(visit.model, "matte", (640, 480)))
                for seq in range(10 * FPS):
                    await socket.send(framed(seq, time.monotonic(), frame))
                    await asyncio.wait_for(socket.recv(), DEADLINE_S)
                    await asyncio.sleep(1 / FPS)
            notes.took("session", started)
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            notes.faults.append(f"session lost: {type(error).__name__}")
        except ConfigurationError as refusal:  # a problem document in the place of `ready`
            notes.took(str(refusal).partition(":")[0], started)
            await asyncio.sleep(1)


async def _raw(visit: Visit, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, visit.port, limit=1 << 16)
    writer.write(request)
    return reader, writer


def _request(visit: Visit, content: bytes) -> bytes:
    return multipart("/remove-background", "image", content, {"model": visit.model, "allow_empty": "true"})


async def _until_over(visit: Visit, notes: Notes, once: Callable[[], Awaitable[str]]) -> None:
    """What a connection that breaks off says is no fault here: these visitors have it coming."""
    while not visit.is_over:
        started = time.monotonic()
        try:
            notes.took(await once(), started)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            notes.took("connection ended", started)
        await asyncio.sleep(0.2)


async def slow_sender(visit: Visit, notes: Notes) -> None:
    """Sends 16 kB a second, as a phone in a tunnel does."""

    async def once() -> str:
        request = _request(visit, photos("1080p")[0])
        reader, writer = await _raw(visit, request[:TRICKLE_BYTES])
        with contextlib.closing(writer):
            for start in range(TRICKLE_BYTES, len(request), TRICKLE_BYTES):
                if visit.is_over:
                    return "went"
                writer.write(request[start : start + TRICKLE_BYTES])
                await writer.drain()
                await asyncio.sleep(TRICKLE_S)
            return (await asyncio.wait_for(reader.readline(), 60)).decode().split()[1]

    await _until_over(visit, notes, once)


async def non_reader(visit: Visit, notes: Notes) -> None:
    """Asks for a large answer, and never reads it."""

    async def once() -> str:
        _, writer = await _raw(visit, _request(visit, photos("12mp")[1]))
        with contextlib.closing(writer):
            await asyncio.sleep(min(15.0, max(0.0, visit.until - time.monotonic())))
        return "did not read"

    await _until_over(visit, notes, once)


async def leaver(visit: Visit, notes: Notes) -> None:
    """Is gone before it can be answered."""

    async def once() -> str:
        _, writer = await _raw(visit, _request(visit, photos("1080p")[2]))
        await asyncio.sleep(visit.draw.uniform(0, 0.6))
        writer.transport.abort()
        return "left"

    await _until_over(visit, notes, once)


async def silent(visit: Visit, notes: Notes) -> None:
    """Opens a connection, begins a request, and says nothing more."""

    async def once() -> str:
        reader, writer = await _raw(
            visit, b"POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\nx"
        )
        with contextlib.closing(writer):
            line = await asyncio.wait_for(reader.readline(), max(1.0, visit.until - time.monotonic()))
        return line.decode().split()[1] if line else "closed"

    await _until_over(visit, notes, once)


async def hostile(visit: Visit, notes: Notes) -> None:
    """Sends what is no picture, half a picture, or a very large one in very few bytes: each is refused, with words."""
    kinds = _hostile_pictures()
    async with httpx2.AsyncClient(base_url=visit.url, timeout=DEADLINE_S + 30) as client:
        while not visit.is_over:
            started = time.monotonic()
            headers = {"Content-Type": "image/png", "X-Request-Timeout-Ms": str(round(DEADLINE_S * 1000))}
            query = {"model": visit.model, "allow_empty": "true"}
            try:
                answer = await client.post("/segment", content=visit.draw.choice(kinds), params=query, headers=headers)
            except httpx2.HTTPError as error:
                notes.faults.append(f"no answer: {type(error).__name__}")
                continue
            notes.took(str(answer.status_code), started)
            if answer.status_code == 500:
                notes.faults.append(f"500 {answer.text[:120]}")
            await asyncio.sleep(0.5)


def _hostile_pictures() -> list[bytes]:
    photo = Image.fromarray(data.astronaut())
    plain = io.BytesIO()
    Image.new("L", (7000, 6000)).save(plain, "PNG", compress_level=9)
    whole = io.BytesIO()
    photo.save(whole, "PNG")
    noise = random.Random(SEED).randbytes(50_000)
    return [b"", noise, whole.getvalue()[:20_000], b"\xff\xd8\xff" + noise, plain.getvalue()]


VISITORS: dict[str, tuple[Visitor, int]] = {
    "interactive": (interactive, 4),
    "bulk": (bulk, 2),
    "12 megapixels": (large, 2),
    "live": (live, 1),
    "slow senders": (slow_sender, 3),
    "non-readers": (non_reader, 3),
    "leavers": (leaver, 2),
    "silent": (silent, 4),
    "hostile": (hostile, 1),
}
"""Who comes, and how many of each at once."""

"""What the tests do to a running service: many requests at once from one thread, signals to its workers, a look at
its metrics and at what it leaves behind."""

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import sys
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from numpy.typing import NDArray
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from tests.pictures import encoded, pixels
from tests.system.serving import REQUEST_TIMEOUT_S, STOP_TIMEOUT_S, Server, running

PATIENCE_S = 180.0
"""How long a test waits for what must happen. Starting a worker takes 2 to 8 seconds on a small and busy machine."""

LOOK_INTERVAL_S = 0.02

PATIENT = {"SILHOUETTE_BATCH_TIMEOUT_S": "300", "SILHOUETTE_HEARTBEAT_TIMEOUT_S": "300"}
"""Settings of a service whose workers a test stops for a while."""


# --- requests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    """Names in any case."""
    body: bytes

    @property
    def code(self) -> str:
        """`ok`, or the code of the failure."""
        return "ok" if self.status < http.client.BAD_REQUEST else str(json.loads(self.body)["code"])

    @property
    def picture(self) -> NDArray[Any]:
        return pixels(self.body)


OPENED = list[http.client.HTTPConnection | socket.socket]()
"""Connections of the test that is running; what it has left open, because it failed, is closed after it."""


class Call:
    """A request on a connection of its own. It is sent at once, so one thread can have many in flight."""

    def __init__(
        self, server: Server, path: str, photo: bytes, headers: Mapping[str, str] | None = None, **options: str
    ) -> None:
        self.request_id = uuid.uuid4().hex
        self._connection = connection_to(server)
        query = f"?{urllib.parse.urlencode(options)}" if options else ""
        own_headers = {"Content-Type": "image/*", "X-Request-Id": self.request_id}
        self._connection.request("POST", path + query, photo, {**own_headers, **(headers or {})})

    @property
    def port(self) -> int:
        """Of our end."""
        return int(self._connection.sock.getsockname()[1])

    def answer(self) -> Answer:
        return answer_on(self._connection)

    def leave(self) -> None:
        """Hang up without waiting."""
        self._connection.close()


class Upload:
    """A request whose body stops in the middle until `finish`."""

    def __init__(self, server: Server, path: str, photo: bytes) -> None:
        self._connection = connection_to(server)
        self._rest = photo[len(photo) // 2 :]
        self._connection.putrequest("POST", path)
        self._connection.putheader("Content-Type", "image/*")
        self._connection.putheader("Content-Length", str(len(photo)))
        self._connection.endheaders(photo[: len(photo) // 2])

    def finish(self) -> Answer:
        self._connection.send(self._rest)
        return self.answer()

    def answer(self) -> Answer:
        return answer_on(self._connection)


def connection_to(server: Server) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=REQUEST_TIMEOUT_S)
    OPENED.append(connection)
    connection.connect()
    return connection


def answer_on(connection: http.client.HTTPConnection) -> Answer:
    with contextlib.closing(connection):
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def at_once(ask: Callable[[int], Answer], count: int, concurrency: int) -> list[Answer]:
    """The answers to `ask(0)`, `ask(1)`, ..., so many of them at any time."""
    with ThreadPoolExecutor(concurrency) as clients:
        return list(clients.map(ask, range(count)))


def people(astronaut: bytes, count: int) -> list[bytes]:
    """Small photos of one person, each with a mask of its own."""
    with Image.open(io.BytesIO(astronaut)) as photo:
        crops = [photo.crop((10 * index, 0, 10 * index + 320, 320 + 10 * index)) for index in range(count)]
    return [encoded(crop, "JPEG", quality=90) for crop in crops]


# --- a look at the service --------------------------------------------------------------------------------------------


def metric(server: Server, name: str, **labels: str) -> float:
    """The sum of all samples of this name that have these labels; 0 where there are none."""
    text = server.get("/metrics").text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def until(condition: Callable[[], bool], what: str) -> None:
    """Looks again and again; fails where it does not come true."""
    gives_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < gives_up_at, f"never came: {what}"
        time.sleep(LOOK_INTERVAL_S)


def wait_for_metric(server: Server, value: float, name: str, **labels: str) -> None:
    until(lambda: metric(server, name, **labels) == value, f"{name}{labels} == {value}")


class Growth:
    """By how much the metrics have grown since."""

    def __init__(self, server: Server, *names: str) -> None:
        self._server = server
        self._before = {name: metric(server, name) for name in names}

    def of(self, name: str) -> float:
        return metric(self._server, name) - self._before[name]


def told_of(server: Server, calls: Iterable[Call]) -> list[dict[str, Any]]:
    """The log lines of these calls, in the order of their ends, as soon as all are there."""
    ids = {call.request_id for call in calls}

    def lines() -> list[dict[str, Any]]:
        return [entry for entry in server.log if entry.get("request_id") in ids]

    until(lambda: len(lines()) == len(ids), "a log line for each")
    return lines()


# --- workers ----------------------------------------------------------------------------------------------------------


def ready_workers(server: Server) -> list[int]:
    """The ids of the processes that are loaded and, as far as the service has noticed, alive."""
    replaced = {entry["pid"] for entry in server.log if entry["event"] == "worker replaced"}
    return [pid for pid in server.worker_pids() if pid not in replaced and psutil.pid_exists(pid)]


@contextlib.contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """These processes take nothing and answer nothing for a while."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def busy_worker(server: Server, photo: bytes) -> Iterator[Call]:
    """The only worker has this photo on board and does not finish it before the end of the block."""
    with stopped(ready_workers(server)):
        on_board = Call(server, "/segment", photo, allow_empty="true")
        wait_for_metric(server, 1, "silhouette_worker_state", state="busy")
        yield on_board


def stop(server: Server, number: signal.Signals = signal.SIGTERM) -> int:
    """The exit code."""
    server.process.send_signal(number)
    return server.process.wait(STOP_TIMEOUT_S)


# --- what is left behind ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def leaving_nothing_behind() -> Iterator[Callable[[Server], None]]:
    """Call what this gives with a running server: when the block ends, no process of it is left, and so no memory that
    they shared, which has no name.
    """
    family = list[psutil.Process]()

    def watch(server: Server) -> None:
        family.extend(psutil.Process(server.process.pid).children(recursive=True))

    yield watch
    assert family
    assert not psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]


# --- a server with networks of its own --------------------------------------------------------------------------------


def tiny_command(families: str = "tiny") -> list[str]:
    return [sys.executable, "-m", "tests.system.tiny_server", families]


def tiny_environment(store: Path, **settings: str) -> dict[str, str]:
    basic = {"LOG_FORMAT": "json", "MODELS": "tiny-subject", "MODEL_STORE": str(store), "PORT": "0", "DEVICE": "cpu"}
    return os.environ | {f"SILHOUETTE_{name}": value for name, value in basic.items()} | settings


@contextlib.contextmanager
def tiny_server(store: Path, **settings: str) -> Iterator[Server]:
    """Like `running_server`, with the tiny networks and one worker."""
    environment = tiny_environment(store, **{"SILHOUETTE_WORKERS": "1"} | settings)
    with running(tiny_command(), environment) as server:
        yield server

"""Other models while requests go on, in real processes: nobody notices, and their memory comes back."""

import contextlib
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.fakes import BLUE, RED, make_store, retrain_subject
from tests.pictures import encoded, painted
from tests.system.loading import Call, metric, tiny_server, until
from tests.system.serving import REQUEST_TIMEOUT_S, Server

REQUESTS, CLIENTS, ROUNDS = 300, 4, 5

PHOTO = encoded(painted())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    """One worker, which begins with `tiny-classes` alone."""
    with tiny_server(store, SILHOUETTE_MODELS="tiny-classes", SILHOUETTE_WORKERS="1") as started:
        yield started


def change(server: Server, method: str, path: str) -> None:
    answer = httpx2.request(method, f"{server.url}/models/{path}", timeout=REQUEST_TIMEOUT_S)
    assert answer.status_code in (200, 204), answer.text


def one_round(server: Server, store: Path, color: tuple[int, int, int]) -> None:
    """A model is loaded, asked, replaced by one of its name that sees another colour, asked again and unloaded."""
    change(server, "POST", "tiny-subject")
    assert Call(server, "/segment", PHOTO, model="tiny-subject", allow_empty="true").answer().code == "ok"
    retrain_subject(store, color)
    change(server, "POST", "tiny-subject")
    seen = Call(server, "/segment", PHOTO, model="tiny-subject").answer().code
    assert seen == ("ok" if color == RED else "no_foreground")
    change(server, "DELETE", "tiny-subject")


def asked_meanwhile(server: Server, work: Callable[[], None]) -> "tuple[Counter[str], Counter[int]]":
    """What `CLIENTS` clients got while `work` went on, and what `/readyz` said; `REQUESTS` are asked at least."""
    numbers, is_done = count(), threading.Event()
    answers, probes = Counter[str](), Counter[int]()

    def ask() -> None:
        while next(numbers) < REQUESTS or not is_done.is_set():
            answers[Call(server, "/segment", PHOTO).answer().code] += 1

    def probe() -> None:
        while not is_done.is_set():
            probes[server.get("/readyz").status_code] += 1

    with ThreadPoolExecutor(CLIENTS + 1) as clients:
        asking = [clients.submit(ask) for _ in range(CLIENTS)] + [clients.submit(probe)]
        try:
            work()
        finally:
            is_done.set()
        for each in asking:
            each.result()
    return answers, probes


def memory(server: Server) -> int:
    """Resident, of the service and all that it has started."""
    own = psutil.Process(server.process.pid)
    return sum(map(resident, (own, *own.children(recursive=True))))


def resident(process: psutil.Process) -> int:
    """Nothing of one that has ended in the meantime."""
    with contextlib.suppress(psutil.NoSuchProcess):
        rss: int = process.memory_info().rss
        return rss
    return 0


def test_five_times_a_model_comes_changes_and_goes_and_nobody_who_asks_meanwhile_notices(
    server: Server, store: Path
) -> None:
    asked_meanwhile(server, lambda: one_round(server, store, BLUE))
    before = memory(server)

    def rounds() -> None:
        for number in range(ROUNDS):
            one_round(server, store, (RED, BLUE)[number % 2])

    answers, probes = asked_meanwhile(server, rounds)
    assert set(answers) == {"ok"}
    assert answers["ok"] >= REQUESTS
    assert set(probes) == {200}
    assert metric(server, "silhouette_requeued_total") == 0
    assert metric(server, "silhouette_worker_restarts_total") == metric(
        server, "silhouette_worker_restarts_total", cause="models"
    )
    until(lambda: memory(server) < 1.05 * before, "the memory of before")


def test_the_commands_say_what_came_of_it(server: Server) -> None:
    def models(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "service.cli", "models", *arguments, "--url", server.url]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=REQUEST_TIMEOUT_S, check=False)
        return ran.returncode, ran.stderr

    assert models("load", "tiny-subject") == (0, "tiny-subject@1: loaded\n")
    assert models("default", "tiny-subject") == (0, "tiny-subject@1: is the default model\n")
    assert models("unload", "tiny-subject") == (0, "tiny-subject: unloaded\n")
    code, said = models("unload", "tiny-classes")
    assert (code, said) == (1, "silhouette: tiny-classes is the only model that is loaded\n")
    code, said = models("load", "u3net")
    assert code == 1
    assert "no model is called 'u3net'" in said

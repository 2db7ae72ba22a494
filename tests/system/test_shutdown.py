"""How it stops: everybody who was let in is answered, whoever comes is told, and nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from service.workers.local.forking import FORK_SERVER
from service.workers.process_tree import kill as kill_all
from tests.fakes import make_store
from tests.pools import slot_memory
from tests.system.loading import (
    PATIENT,
    Call,
    Upload,
    leaving_nothing_behind,
    people,
    ready_workers,
    stop,
    stopped,
    tiny_command,
    tiny_environment,
    until,
    wait_for_metric,
)
from tests.system.serving import START_TIMEOUT_S, STOP_TIMEOUT_S, Server, running_server, serve_command
from tests.weights import pulled_weights

FRONT = "--multiprocessing-fork"
"""In the commands of processes that are not forked from the template."""

ENDED_BY_SIGTERM = 128 + signal.SIGTERM

IN_FLIGHT = 12


@pytest.fixture(autouse=True)
def _selfie() -> None:
    pulled_weights("selfie")


@pytest.fixture(scope="module")
def photo(astronaut: bytes) -> bytes:
    return people(astronaut, 1)[0]


def in_flight(server: Server, photo: bytes) -> list[Call]:
    """Let in and, as the workers are stopped, not answered."""
    calls = [Call(server, "/segment", photo) for _ in range(IN_FLIGHT)]
    wait_for_metric(server, IN_FLIGHT, "silhouette_permits_in_use")
    return calls


def test_sigterm_under_load_answers_everybody_who_was_let_in(photo: bytes) -> None:
    with leaving_nothing_behind() as watch, running_server("selfie", **PATIENT) as server:
        watch(server)
        with stopped(ready_workers(server)):
            calls = in_flight(server, photo)
            upload = Upload(server, "/segment", photo)
            wait_for_metric(server, 1, "silhouette_uploads")
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("draining")
            late = Call(server, "/segment", photo).answer()
            assert (late.status, late.code) == (503, "draining")
            assert late.headers["Retry-After"].isdecimal()
            assert server.get("/readyz").status_code == 503
            assert server.get("/livez").status_code == 200
        assert [call.answer().code for call in calls] == ["ok"] * IN_FLIGHT
        assert upload.finish().code == "ok"
        assert server.process.wait(STOP_TIMEOUT_S) == 0
    assert "exception" not in str(server.log)


def test_ctrl_c_stops_it_cleanly(photo: bytes) -> None:
    with leaving_nothing_behind() as watch, running_server("selfie") as server:
        watch(server)
        assert Call(server, "/segment", photo).answer().code == "ok"
        assert stop(server, signal.SIGINT) == 0
    assert "exception" not in str(server.log)


def test_a_second_signal_ends_it_at_once(photo: bytes) -> None:
    with leaving_nothing_behind() as watch, running_server("selfie", **PATIENT) as server:
        watch(server)
        with stopped(ready_workers(server)):
            calls = in_flight(server, photo)
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("draining")
            assert stop(server) == ENDED_BY_SIGTERM
        for call in calls:
            call.leave()


def test_everybody_hears_something_when_the_time_for_draining_is_over(photo: bytes) -> None:
    """Their workers hang, so there is no result; but nobody is left without an answer."""
    with (
        leaving_nothing_behind() as watch,
        running_server("selfie", SILHOUETTE_DRAIN_TIMEOUT_S="1", **PATIENT) as server,
    ):
        watch(server)
        with stopped(ready_workers(server)):
            calls = in_flight(server, photo)
            server.process.send_signal(signal.SIGTERM)
            assert [(answer.status, answer.code) for answer in (call.answer() for call in calls)] == [
                (503, "draining")
            ] * IN_FLIGHT
            assert server.process.wait(STOP_TIMEOUT_S) == 0


def test_kill_9_under_load_takes_the_workers_along_and_leaves_no_shared_memory(photo: bytes) -> None:
    with leaving_nothing_behind() as watch, running_server("selfie", **PATIENT) as server:
        watch(server)
        with stopped(ready_workers(server)):
            calls = in_flight(server, photo)
            server.process.kill()
            server.process.wait(STOP_TIMEOUT_S)
        for call in calls:
            call.leave()


End = Callable[["subprocess.Popen[bytes]"], int]


def kill(process: "subprocess.Popen[bytes]") -> int:
    process.kill()
    return process.wait(STOP_TIMEOUT_S)


def terminate(process: "subprocess.Popen[bytes]") -> int:
    """While what workers are forked from takes for ever to import what they need."""
    with held(process.pid, FORK_SERVER):
        process.terminate()
        return process.wait(STOP_TIMEOUT_S)


@contextlib.contextmanager
def held(pid: int, command: str) -> Iterator[list[psutil.Process]]:
    """The children of the process that have this in their commands. They do nothing more, whatever they are asked."""
    holding = children_with(command, pid)
    for child in holding:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.suspend()
    try:
        yield holding
    finally:
        kill_all(holding)


def children_with(command: str, pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if command in command_of(child)]


def command_of(process: psutil.Process) -> str:
    """Nothing where it has ended in the meantime."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


@pytest.mark.parametrize(("end", "exit_code"), [(kill, -signal.SIGKILL), (terminate, 0)], ids=["killed", "terminated"])
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at Linux' /proc")
def test_what_ends_while_it_loads_leaves_nothing_behind(end: End, exit_code: int) -> None:
    """Its workers end with it; the memory that they share has no name, and so ends with them."""
    environment = os.environ | {"SILHOUETTE_MODELS": "selfie", "SILHOUETTE_WORKERS": "1"}
    process = subprocess.Popen(serve_command(), env=environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: bool(psutil.Process(process.pid).children()), "a worker that loads")
        assert all(line.endswith("(deleted)") for line in slot_memory(process.pid))
        family = psutil.Process(process.pid).children(recursive=True)
        assert end(process) == exit_code
        assert not psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]
    finally:
        process.kill()
        process.wait(START_TIMEOUT_S)


def test_fronts_that_are_still_loading_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """They never get further: it takes for ever to read the keys, and a signal that asks them to end does nothing."""
    os.mkfifo(tmp_path / "keys")
    settings = {"SILHOUETTE_FRONTS": "2", "SILHOUETTE_KEYS_FILE": str(tmp_path / "keys")}
    environment = tiny_environment(make_store(tmp_path / "store"), **settings, SILHOUETTE_DRAIN_TIMEOUT_S="3000")
    process = subprocess.Popen(tiny_command(), env=environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(children_with(FRONT, process.pid)) == 2, "two fronts")
        with held(process.pid, FRONT) as fronts:
            assert terminate(process) == 0
            assert not psutil.wait_procs(fronts, timeout=STOP_TIMEOUT_S)[1]
    finally:
        process.kill()
        process.wait(STOP_TIMEOUT_S)


def is_importing(pid: int) -> bool:
    """True where a worker is past Python's own start: it has mapped numpy's libraries."""
    return any("numpy" in maps_of(worker) for worker in psutil.Process(pid).children())


def maps_of(process: psutil.Process) -> str:
    """Nothing where it has ended in the meantime."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process.pid}/maps").read_text()
    return ""


FIRST_PROCESS = """
import signal
from multiprocessing import resource_tracker
from service.workers.lifetime import signals_blocked
with signals_blocked():
    resource_tracker.ensure_running()
    print(*sorted(number.name for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())))
"""
"""multiprocessing's tracker, which comes with the first process that is made, unblocks both signals once it runs."""


def test_a_worker_inherits_the_signals_blocked_also_where_it_is_the_first() -> None:
    assert subprocess.check_output([sys.executable, "-c", FIRST_PROCESS], text=True).split() == ["SIGINT", "SIGTERM"]


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at Linux' /proc")
def test_ctrl_c_at_a_terminal_while_workers_load_prints_no_traceback(tmp_path: Path) -> None:
    """A terminal sends SIGINT to every process of the group, also to workers that are still importing."""
    pulled_weights("selfie")
    said = tmp_path / "stderr"
    with said.open("wb") as stderr:
        environment = os.environ | {"SILHOUETTE_MODELS": "selfie"}
        process = subprocess.Popen(serve_command(), env=environment, stderr=stderr, start_new_session=True)
        try:
            until(lambda: b"listening on" in said.read_bytes(), "the port")
            until(lambda: is_importing(process.pid), "a worker that imports")
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(STOP_TIMEOUT_S) == 0
        finally:
            process.kill()
            process.wait(STOP_TIMEOUT_S)
    assert "Traceback" not in said.read_text()

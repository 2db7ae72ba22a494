"""The process around the service: how it starts, how it stops, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.system.serving import STOP_TIMEOUT_S, Server, running_server, serve_command
from tests.weights import pulled_weights


def run_serve(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A start that is expected to fail."""
    return subprocess.run(
        serve_command(*arguments), env=os.environ | settings, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(number: signal.Signals, astronaut: bytes) -> None:
    pulled_weights("selfie")
    with running_server("selfie") as server:
        assert server.post("/remove-background", astronaut).status_code == 200
        family = psutil.Process(server.process.pid).children(recursive=True)
        server.process.send_signal(number)
        assert server.process.wait(STOP_TIMEOUT_S) == 0
        assert not psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]
    assert "exception" not in str(server.log)
    assert len(server.worker_pids()) == 2 or os.cpu_count() != 2


def test_kill_9_takes_the_workers_along_and_leaves_no_shared_memory() -> None:
    pulled_weights("selfie")
    before = shared_memory()
    with running_server("selfie") as server:
        family = psutil.Process(server.process.pid).children(recursive=True)
        server.process.kill()
        server.process.wait(STOP_TIMEOUT_S)
        assert not psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)[1]
    assert shared_memory() == before


def test_an_idle_worker_that_is_killed_is_replaced_before_anyone_asks(astronaut: bytes) -> None:
    pulled_weights("selfie")
    with running_server("selfie", SILHOUETTE_WORKERS="1") as server:
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        server.wait_for("worker ready", count=2)
        assert server.post("/remove-background", astronaut).status_code == 200
        assert len(set(server.worker_pids())) == 2


def shared_memory() -> set[str]:
    folder = Path("/dev/shm")
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def test_one_log_line_says_what_became_of_a_request(server: Server, astronaut: bytes) -> None:
    server.post("/remove-background", astronaut, {"X-Request-Id": "find-me"}, model="selfie")
    entry = next(entry for entry in server.log if entry.get("request_id") == "find-me")
    assert (entry["path"], entry["status"], entry["outcome"], entry["model"]) == (
        "/remove-background",
        200,
        "ok",
        "selfie@1",
    )
    assert {"decode", "queue", "infer", "matte", "compose", "encode"} <= set(entry)


def test_the_serving_process_does_not_import_torch() -> None:
    question = "import sys, service.app, service.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", question], check=False).returncode == 0


def test_a_missing_model_stops_it_with_the_command_that_mends_it(tmp_path: Path) -> None:
    repository = Path(__file__).parents[2]
    (tmp_path / "selfie").mkdir()
    (tmp_path / "selfie" / "card.toml").write_bytes((repository / "model_store" / "selfie" / "card.toml").read_bytes())
    failed = run_serve("--models", "selfie", SILHOUETTE_MODEL_STORE=str(tmp_path))
    assert failed.returncode == 2
    assert "run `silhouette models pull selfie`" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_device_that_is_not_there_stops_it() -> None:
    pulled_weights("selfie")
    failed = run_serve("--models", "selfie", "--device", "cuda:77")
    assert failed.returncode == 2
    assert "cuda:77" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_taken_port_stops_it() -> None:
    pulled_weights("selfie")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        failed = run_serve("--models", "selfie", "--port", str(taken.getsockname()[1]))
    assert failed.returncode != 0
    assert "address already in use" in failed.stderr
    assert "Traceback" not in failed.stderr

"""`silhouette top` against a real service."""

import subprocess
import sys

from tests.system.serving import REQUEST_TIMEOUT_S, Server


def top_once(url: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service.cli", "top", "--once", "--url", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=REQUEST_TIMEOUT_S, check=False)


def test_top_shows_the_service_and_what_it_did(server: Server, astronaut: bytes) -> None:
    assert server.post("/remove-background", astronaut, model="selfie").status_code == 200
    assert server.post("/remove-background", b"no picture", model="selfie").status_code == 415
    shown = top_once(server.url)
    assert (shown.returncode, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["silhouette", server.url, "ready"]
    assert max(map(len, lines)) <= 80
    for start in ("/remove-background ", "selfie ", "0 ", "service ", "answered: 415 unsupported_image "):
        assert any(line.startswith(start) for line in lines), start


def test_top_without_a_service_says_so_in_one_line() -> None:
    failed = top_once("http://127.0.0.1:1")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("silhouette: http://127.0.0.1:1 is away: ")
    assert failed.stderr.count("\n") == 1

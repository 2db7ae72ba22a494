"""`silhouette remove-background` and its siblings on files, done by a running service: what users see and keep."""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from service.cli import main
from tests.fakes import DARK, make_store
from tests.pictures import encoded, opened, painted, plain
from tests.system.loading import PATIENT, Call, metric, ready_workers, stopped, tiny_server, until, wait_for_metric
from tests.system.serving import STOP_TIMEOUT_S, Server

CAPACITY = 4
"""Fewer than the command sends at once."""

CUT = "remove-background"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    store = make_store(tmp_path_factory.mktemp("store"))
    with tiny_server(store, SILHOUETTE_QUEUE_CAPACITY=str(CAPACITY), **PATIENT) as started:
        yield started


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """cat.png, dog.jpg, sub/cat.png."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("cat.png", "dog.jpg", "sub/cat.png"):
        painted().save(folder / name)
    return folder


def silhouette(*arguments: str | Path) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as left:
        main(list(map(str, arguments)))
    return int(left.value.code or 0)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "service.cli", *map(str, arguments)]


@contextlib.contextmanager
def started(*arguments: str | Path) -> "Iterator[subprocess.Popen[str]]":
    """Killed at the end if it is still there."""
    with subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_one_photo_becomes_one_file(service: Server, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "cut.webp"
    assert silhouette(CUT, photos / "cat.png", "--out", out, "--url", service.url) == 0
    cutout = opened(out.read_bytes())
    assert (cutout.format, cutout.mode, cutout.size) == ("WEBP", "RGBA", painted().size)


def test_a_name_and_a_format_that_contradict_each_other_are_refused(
    service: Server, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", tmp_path / "cut.png", "--url", service.url)
    assert silhouette(CUT, photos / "cat.png", "--format", "webp", *out) == 2
    assert "--format webp, but --out" in capfd.readouterr().err
    assert not (tmp_path / "cut.png").exists()


def test_a_pipe_carries_the_picture_and_nothing_else(service: Server, photos: Path) -> None:
    photo = (photos / "dog.jpg").read_bytes()
    done = subprocess.run(command(CUT, "-", "--url", service.url), input=photo, capture_output=True, check=True)
    assert done.stdout == service.post(f"/{CUT}", photo).content


def test_without_out_a_result_lies_beside_its_photo_and_is_no_photo_of_the_next_run(
    service: Server, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = ["cat-color-pop.png", "cat.png", "dog-color-pop.png", "dog.jpg", "sub/cat.png"]
    for _ in range(2):
        assert silhouette("color-pop", photos, "--url", service.url) == 0
        assert files_below(photos) == made
    assert "result of an earlier run: 2" in capfd.readouterr().err


def put_odd_files(photos: Path) -> None:
    """Four that fail, two that are no photos, one that is hidden, and one more `cat`."""
    plain(DARK).save(photos / "nobody.png")
    (photos / "broken.jpg").write_bytes((photos / "dog.jpg").read_bytes()[:-200])
    (photos / "link.jpg").symlink_to("nowhere")
    (photos / "empty.png").touch()
    (photos / "x.jpg").mkdir()
    (photos / "notes.txt").touch()
    (photos / "._dog.jpg").write_bytes(b"a resource fork")
    painted().save(photos / "cat.JPE", "JPEG")


def test_a_folder_with_odd_files_in_it_is_worked_off_to_its_end_and_reported(
    service: Server, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    put_odd_files(photos)
    out, report = tmp_path / "out", tmp_path / "report.json"
    assert silhouette(CUT, photos, "--recursive", "--out", f"{out}/", "--json", report, "--url", service.url) == 1
    assert files_below(out) == ["cat.JPE.png", "cat.png.png", "dog.png", "sub/cat.png"]
    said = json.loads(report.read_bytes())
    assert {name: said[name] for name in ("operation", "total", "done", "skipped", "failed")} == {
        "operation": CUT,
        "total": 8,
        "done": 4,
        "skipped": 0,
        "failed": 4,
    }
    assert said["left_out"] == [{"in": str(photos / "notes.txt"), "detail": ".txt"}]
    by_name = {str(Path(entry["in"]).relative_to(photos)): entry for entry in said["photos"]}
    assert by_name["sub/cat.png"] | {"ms": 0} == {
        "in": str(photos / "sub" / "cat.png"),
        "out": str(out / "sub" / "cat.png"),
        "status": "done",
        "code": None,
        "detail": None,
        "ms": 0,
    }
    codes = {name: entry["code"] for name, entry in by_name.items() if entry["status"] == "failed"}
    assert codes == {
        "nobody.png": "no_foreground",
        "broken.jpg": "truncated_image",
        "link.jpg": "unreadable_file",
        "empty.png": "missing_image",
    }
    lines = capfd.readouterr().err.splitlines()
    assert len([line for line in lines if line.startswith(str(photos))]) == 4
    assert lines[-1] == f"4 of 8 photos done, in {out}; 4 failed"
    assert any(line.endswith("sees no subject; --allow-empty returns the empty result") for line in lines)


def test_what_is_there_already_is_skipped_and_nobody_is_asked(
    service: Server, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = (CUT, photos, "--out", tmp_path / "out", "--skip-existing", "--url")
    assert silhouette(*arguments, service.url) == 0
    (tmp_path / "out" / "dog.png").unlink()
    before = metric(service, "silhouette_requests_total", route=f"/{CUT}")
    assert silhouette(*arguments, service.url) == 0
    assert "2 of 2 photos done" in capfd.readouterr().err
    wait_for_metric(service, before + 1, "silhouette_requests_total", route=f"/{CUT}")
    assert silhouette(*arguments, "http://127.0.0.1:9") == 0
    assert "2 were there already" in capfd.readouterr().err


def test_a_busy_service_is_asked_again_when_it_says_so(service: Server, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3 * CAPACITY):
        painted().save(folder / f"{number}.png")
    workers = ready_workers(service)
    with stopped(workers):
        ahead = [Call(service, f"/{CUT}", encoded(painted())) for _ in range(CAPACITY)]
        wait_for_metric(service, CAPACITY, "silhouette_permits_in_use")
        with started(CUT, folder, "--out", tmp_path / "out", "--url", service.url) as running:
            until(lambda: metric(service, "silhouette_requests_total", reason="queue_full") > 0, "a refusal")
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            _, said = running.communicate(timeout=STOP_TIMEOUT_S)
    assert running.returncode == 0, said
    assert {call.answer().code for call in ahead} == {"ok"}
    assert len(list((tmp_path / "out").iterdir())) == 3 * CAPACITY


def test_ctrl_c_ends_with_one_line_that_says_how_to_go_on(service: Server, photos: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    with (
        stopped(ready_workers(service)),
        started(CUT, photos, "--out", out, "--json", report, "--url", service.url) as running,
    ):
        wait_for_metric(service, 2, "silhouette_permits_in_use")
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=STOP_TIMEOUT_S)
    assert running.returncode == 130
    assert said.splitlines()[-1] == "0 of 2 done, run again with --skip-existing"
    assert "Traceback" not in said
    assert json.loads(report.read_bytes())["photos"] == []
    assert not out.exists()


def test_further_pictures_go_along(service: Server, photos: Path, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "lime").save(tmp_path / "green.png")
    picture = ("--background", tmp_path / "green.png", "--fit", "stretch")
    out = tmp_path / "new.png"
    assert silhouette("replace-background", photos / "cat.png", *picture, "--out", out, "--url", service.url) == 0
    assert opened(out.read_bytes()).getpixel((2, 2)) in [(0, 254, 0), (0, 255, 0)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "absent"], ["absent", "tiny-subject"]),
        (["--keep", "cat"], ["cat"]),
    ],
)
def test_what_is_wrong_for_every_photo_is_said_once(
    service: Server,
    photos: Path,
    tmp_path: Path,
    options: list[str],
    words: list[str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert silhouette(CUT, photos, *options, "--out", tmp_path / "out", "--url", service.url) == 2
    asking, said = capfd.readouterr().err.splitlines()
    assert asking == f"asking {service.url}"
    assert all(word in said for word in words)


def test_an_address_where_nobody_answers_is_one_line(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert silhouette(CUT, photos, "--out", tmp_path / "out", "--url", "http://127.0.0.1:9") == 2
    assert "nobody answers there" in capfd.readouterr().err.splitlines()[-1]


class _AnotherService(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"It works!")

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_an_address_of_something_else_is_one_line(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _AnotherService) as other:
        threading.Thread(target=other.handle_request).start()
        url = f"http://127.0.0.1:{other.server_port}"
        assert silhouette(CUT, photos, "--out", tmp_path / "out", "--url", url) == 2
    assert "no Silhouette" in capfd.readouterr().err.splitlines()[-1]

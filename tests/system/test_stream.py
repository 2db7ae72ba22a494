"""`/stream` with real servers and a real WebSocket client: who gets in, how it ends, what becomes of slow readers."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data
from websockets.exceptions import ConnectionClosed

from service.stream.protocol import pack
from tests.fakes import BLUE, RED, make_store
from tests.pictures import encoded, opened, painted, plain
from tests.system.loading import PATIENT, metric, ready_workers, stopped, tiny_server, until, wait_for_metric
from tests.system.serving import STOP_TIMEOUT_S, Server
from tests.system.streaming import connected, differs, hello, session

SIZE = painted().size
DOCS = Path(__file__).parents[2] / "docs" / "stream.md"

DROPPED = "silhouette_stream_frames_total"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def tiny(store: Path) -> Iterator[Server]:
    """One worker, two sessions."""
    settings = {
        "SILHOUETTE_MAX_SESSIONS": "2",
        "SILHOUETTE_PEER_SHARE": "1",
        "SILHOUETTE_MAX_SESSION_FPS": "1000",
        "SILHOUETTE_ALLOWED_ORIGINS": "https://meet.example.org",
        "SILHOUETTE_MAX_UPLOAD_BYTES": "2000000",
    }
    with tiny_server(store, **settings, **PATIENT) as started:
        yield started


@pytest.fixture(scope="module")
def impatient(store: Path) -> Iterator[Server]:
    """Closes whoever says nothing for a moment."""
    timeouts = {"SILHOUETTE_SESSION_IDLE_TIMEOUT_S": "1.5", "SILHOUETTE_HELLO_TIMEOUT_S": "1.5"}
    with tiny_server(store, **timeouts) as started:
        yield started


def test_a_frame_comes_back_with_its_number_its_time_and_what_it_took(tiny: Server) -> None:
    with session(tiny, SIZE, model="tiny-subject") as (camera, ready):
        assert (ready["model"], ready["max_fps"]) == ("tiny-subject@1", 1000)
        camera.film(7, painted())
        result = camera.see()
    assert (result.seq, result.header["timestamp_ms"], result.header["dropped"]) == (7, 70, 0)
    assert {"decode", "queue", "infer", "smooth", "encode"} <= set(result.header["ms"])
    assert result.matte.shape == (ready["matte_height"], ready["matte_width"])
    height, width = result.matte.shape
    assert result.matte[height // 2, width // 2] > 250
    assert result.matte[1, 1] < 5


def test_effects_outputs_and_backgrounds_change_while_it_runs(tiny: Server) -> None:
    with session(tiny, SIZE, effect="color-pop", output="both") as (camera, _):
        camera.film(0, painted(background=BLUE))
        assert len(camera.see().header["parts"]) == 2
        camera.tell(type="update", effect="replace-background", output="composite")
        assert camera.hear()["effect"] == "replace-background"
        camera.film(1, painted())
        assert (problem := camera.hear())["code"] == "bad_option"
        assert problem["seq"] == 1
        camera.say(pack({"type": "background", "format": "png"}, encoded(plain(BLUE).resize((50, 40)))))
        assert camera.hear() == {"type": "background", "width": 50, "height": 40}
        camera.film(2, painted())
        picture = camera.see().composite
    assert differs(picture, (5, 5), BLUE) < 20
    assert differs(picture, (100, 60), RED) < 20


def test_a_frame_that_is_no_picture_is_told_and_the_session_goes_on(tiny: Server) -> None:
    with session(tiny, SIZE) as (camera, _):
        camera.film(0, b"no picture")
        assert (problem := camera.hear())["code"] == "undecodable_image"
        assert problem["seq"] == 0
        camera.film(1, painted().resize((90, 50)))
        assert camera.hear()["code"] == "bad_option"
        camera.tell(type="update", options={"no_such": 1})
        assert camera.hear()["code"] == "unknown_option"
        camera.say(pack({"type": "background", "format": "png"}, b"no picture"))
        assert camera.hear()["code"] == "unsupported_image"
        camera.film(2, painted())
        assert camera.see().seq == 2


def frame_of(count: int) -> bytes:
    return pack({"seq": 0, "timestamp_ms": 0, "format": "rgb"}, bytes(count))


@pytest.mark.parametrize(
    ("messages", "end"),
    [
        (["nonsense"], (4400, "malformed_message")),
        ([b"\0"], (4400, "malformed_message")),
        ([json.dumps({"type": "update"})], (4400, "malformed_message")),
        ([json.dumps(hello(SIZE)), "nonsense"], (4400, "malformed_message")),
        ([json.dumps(hello(SIZE)), b"\xff\xff\xff\xff"], (4400, "malformed_message")),
        ([json.dumps(hello(SIZE, model="no-such"))], (4404, "unknown_model")),
        ([json.dumps(hello(SIZE)), frame_of(SIZE[0] * SIZE[1] * 3 + 20_000)], (4413, "too_many_bytes")),
        ([json.dumps(hello((1, 1)))], (4422, "bad_option")),
        ([json.dumps(hello((16_000, 16_000)))], (4422, "too_many_pixels")),
        ([json.dumps(hello(SIZE, options={"no_such": 1}))], (4422, "unknown_option")),
        ([json.dumps(hello(SIZE, options={"keep": "no such class"}))], (4422, "bad_option")),
    ],
)
def test_a_session_that_goes_wrong_ends_with_a_reason(
    tiny: Server, messages: list[str | bytes], end: tuple[int, str]
) -> None:
    with connected(tiny) as camera:
        for message in messages:
            camera.say(message)
        if len(messages) > 1:
            assert camera.hear()["type"] == "ready"
        assert camera.refused() == end


def test_a_message_larger_than_any_upload_ends_its_connection_and_nothing_else(tiny: Server) -> None:
    """The server itself closes with 1009; a client that is still sending may only see the connection reset."""
    with session(tiny, SIZE) as (camera, _):
        with contextlib.suppress(ConnectionClosed):
            camera.say(frame_of(3_000_000))
        with pytest.raises(ConnectionClosed) as closed:
            camera.hear()
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
    with session(tiny, SIZE) as (camera, _):
        camera.film(0, painted())
        assert camera.see().seq == 0


def test_one_session_too_many_is_refused_until_another_one_ends(tiny: Server) -> None:
    wait_for_metric(tiny, 0, "silhouette_stream_sessions")  # nor is there one that a former test has just left
    with session(tiny, SIZE), contextlib.ExitStack() as second:
        second.enter_context(session(tiny, SIZE))
        with connected(tiny) as camera:
            assert camera.hear()["retry_after_s"] > 0
            assert camera.end() == (4429, "too_many_sessions")
        assert metric(tiny, "silhouette_stream_sessions") == 2
        second.close()
        wait_for_metric(tiny, 1, "silhouette_stream_sessions")
        with session(tiny, SIZE) as (camera, _):
            camera.film(0, painted())
            assert camera.see().seq == 0


@pytest.mark.parametrize("origin", ["http://evil.example.org", "http://127.0.0.1:1", "null", "http://127.0.0.1:x"])
def test_a_page_of_another_origin_is_refused(tiny: Server, origin: str) -> None:
    with connected(tiny, origin=origin) as camera:
        assert camera.refused() == (4403, "origin_refused")


@pytest.mark.parametrize("origin", [None, "https://meet.example.org", "HTTPS://MEET.example.org"])
def test_programs_and_allowed_origins_may_stream(tiny: Server, origin: str | None) -> None:
    with connected(tiny, origin=origin) as camera:
        camera.tell(**hello(SIZE))
        assert camera.hear()["type"] == "ready"


def test_a_page_of_the_service_itself_may_stream(tiny: Server) -> None:
    with connected(tiny, origin=tiny.url) as camera:
        camera.tell(**hello(SIZE))
        assert camera.hear()["type"] == "ready"


def test_whoever_says_nothing_is_closed(impatient: Server) -> None:
    with connected(impatient) as camera:
        assert camera.refused() == (4408, "slow_hello")
    with session(impatient, SIZE) as (camera, ready):
        assert ready["idle_timeout_s"] == 1.5
        camera.film(0, painted())
        assert camera.see().seq == 0
        assert camera.refused() == (1001, "idle")


def test_the_newest_frame_wins_while_the_workers_are_busy(tiny: Server) -> None:
    before = metric(tiny, DROPPED, outcome="dropped")
    with session(tiny, SIZE) as (camera, _):
        with stopped(ready_workers(tiny)):
            camera.film(0, painted())
            wait_for_metric(tiny, 1, "silhouette_worker_state", state="busy")
            for seq in range(1, 10):
                camera.film(seq, painted())
            until(lambda: metric(tiny, DROPPED, outcome="dropped") == before + 8, "8 dropped frames")
        first, last = camera.see(), camera.see()
    assert (first.seq, last.seq, last.header["dropped"]) == (0, 9, 8)


def test_a_client_that_reads_slowly_loses_frames_and_not_the_present(tiny: Server) -> None:
    """Results of 400 kB: a few fill every buffer between the two."""
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8))
    content = encoded(noise, "JPEG", quality=60)
    before = metric(tiny, DROPPED, outcome="dropped")
    options = {"effect": "replace-background", "output": "composite", "options": {"color": "white", "quality": 100}}
    with connected(tiny, receive_buffer_bytes=65_536) as camera:
        camera.tell(**hello(noise.size, **options))
        assert camera.hear()["type"] == "ready"
        sent = 0
        while metric(tiny, DROPPED, outcome="dropped") < before + 40:
            camera.film(sent, content)
            sent += 1
            assert sent < 2000
        results = [camera.see()]
        while results[-1].seq < sent - 1:
            results.append(camera.see())
    assert len(results) + results[-1].header["dropped"] == sent
    assert sum(len(result.payload) for result in results) < 12_000_000


def told_of_session(server: Server, ready: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in list(server.log) if entry.get("session") == ready["session"]]


def test_a_lost_client_leaves_its_place(tiny: Server) -> None:
    ended = metric(tiny, "silhouette_stream_sessions_ended_total", reason="disconnected")
    with session(tiny, SIZE) as (camera, ready):
        camera.film(0, painted())
        camera.see()
    wait_for_metric(tiny, ended + 1, "silhouette_stream_sessions_ended_total", reason="disconnected")
    wait_for_metric(tiny, 0, "silhouette_stream_sessions")
    until(lambda: bool(told_of_session(tiny, ready)), "its log line")
    (line,) = told_of_session(tiny, ready)
    assert (line["event"], line["outcome"], line["frames"], line["dropped"]) == ("session", "disconnected", 1, 0)


def test_what_is_in_work_is_answered_when_the_service_stops(store: Path) -> None:
    with (
        tiny_server(store, **PATIENT) as server,
        session(server, SIZE) as (camera, _),
        session(server, SIZE) as (idle, _),
        connected(server) as silent,
    ):
        with stopped(ready_workers(server)):
            camera.film(0, painted())
            wait_for_metric(server, 1, "silhouette_worker_state", state="busy")
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("draining")
            with connected(server) as late:
                assert late.refused() == (4503, "draining")
        assert camera.see().seq == 0
        assert camera.refused() == (1001, "draining")
        assert idle.refused() == (1001, "draining")
        assert silent.refused() == (1001, "draining")
        assert server.process.wait(STOP_TIMEOUT_S) == 0
    assert "exception" not in str(server.log)


def test_the_client_in_the_documentation_runs(tiny: Server, tmp_path: Path) -> None:
    program = DOCS.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    photo, result = tmp_path / "photo.png", tmp_path / "frame.jpg"
    Image.fromarray(data.astronaut()).save(photo)
    url = f"{tiny.url.replace('http', 'ws', 1)}/stream"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-", str(photo), str(result), url],
        input=program,
        capture_output=True,
        text=True,
        timeout=STOP_TIMEOUT_S,
    )
    assert ran.returncode == 0, ran.stderr
    assert opened(result.read_bytes()).size == (640, 480)
    assert len(ran.stdout.splitlines()) == 11

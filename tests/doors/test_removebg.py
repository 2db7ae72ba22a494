"""Clients of remove.bg, pointed here: PyPI's `removebg`, npm's `remove.bg` 1.3.0, and what the Ruby gem 2.0 sends."""

import base64
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image

from tests.doors.node import node_module
from tests.fakes import DARK, RED
from tests.pictures import HEIGHT, WIDTH, encoded, opened, painted, plain
from tests.system.serving import REQUEST_TIMEOUT_S, Server

OFFICIAL = "https://api.remove.bg"
PATH = "/v1.0/removebg"
JPEG = encoded(painted(), "JPEG", quality=95)


def is_cutout(picture: bytes) -> bool:
    cutout = np.asarray(opened(picture))
    return cutout.shape == (HEIGHT, WIDTH, 4) and cutout[60, 100, 3] == 255 and cutout[10, 10, 3] < 4


# --- PyPI removebg ----------------------------------------------------------------------------------------------------


def test_the_python_client_writes_a_cutout(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip("removebg.removebg")
    monkeypatch.setattr(module, "API_ENDPOINT", server.url + PATH)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(JPEG)
    client = module.RemoveBg("some-key", str(tmp_path / "error.log"))
    client.remove_background_from_img_file(str(photo))
    assert is_cutout((tmp_path / "photo.jpg_no_bg.png").read_bytes())
    green = tmp_path / "green.png"
    client.remove_background_from_base64_img(base64.b64encode(JPEG), "4k", str(green), bg_color="lime")
    assert np.asarray(opened(green.read_bytes()))[10, 10].tolist() == pytest.approx([0, 255, 0], abs=6)


def test_the_python_client_raises_for_a_refusal(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("removebg.removebg")
    monkeypatch.setattr(module, "API_ENDPOINT", server.url + PATH)
    client = module.RemoveBg("some-key", str(tmp_path / "error.log"))
    with pytest.raises(Exception, match="400 Client Error"):
        client.remove_background_from_base64_img(base64.b64encode(encoded(plain(DARK))))


# --- npm remove.bg ----------------------------------------------------------------------------------------------------

NPM_SCRIPT = """
const {{removeBackgroundFromImageFile: cut, removeBackgroundFromImageBase64: cut64}} = require({module});
const key = {{apiKey: "some-key", type: "auto", size: "regular"}};
(async () => {{
  const file = await cut({{...key, path: {photo}, outputFile: {output}}});
  const base64 = await cut64({{...key, base64img: {encoded}, crop: true, bg_color: "00ff00", scale: "50%"}});
  const refused = await cut64({{...key, base64img: "bm8gcGljdHVyZQ=="}}).catch(errors => errors);
  console.log(JSON.stringify({{file, base64, refused}}));
}})();
"""


def test_the_node_client_gets_its_base64_its_headers_and_its_errors(server: Server, tmp_path: Path) -> None:
    installed = node_module("remove.bg")
    source = next(path for path in Path(installed).parent.rglob("index.js") if OFFICIAL in path.read_text())
    module, photo, output = tmp_path / "client.js", tmp_path / "photo.jpg", tmp_path / "cutout.png"
    module.write_text(source.read_text().replace(OFFICIAL, server.url))
    photo.write_bytes(JPEG)
    words = {"module": str(module), "photo": str(photo), "output": str(output)}
    quoted = {name: json.dumps(value) for name, value in words.items()}
    script = NPM_SCRIPT.format(**quoted, encoded=json.dumps(base64.b64encode(JPEG).decode()))
    environment = os.environ | {"NODE_PATH": str(Path(installed.partition("/remove.bg/")[0]))}
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, env=environment, timeout=180)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert is_cutout(output.read_bytes())
    assert (told["file"]["resultWidth"], told["file"]["resultHeight"]) == (str(WIDTH), str(HEIGHT))
    assert (told["file"]["creditsCharged"], told["file"]["detectedType"]) == ("0", "other")
    assert opened(base64.b64decode(told["base64"]["base64img"])).format == "JPEG"
    assert told["refused"][0]["code"] == "invalid_file_type"


def multipart(boundary: str, parts: list[tuple[str, bytes]]) -> bytes:
    """As clients write it by hand: each part's headers, and its content."""
    lines = [f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n" for headers, content in parts]
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


def send(server: Server, body: bytes, headers: Mapping[str, str]) -> httpx2.Response:
    return httpx2.post(server.url + PATH, content=body, headers=headers, timeout=REQUEST_TIMEOUT_S)


def test_what_the_node_client_sends_is_answered_in_json(server: Server) -> None:
    """The same without Node: it always asks for JSON, and sends `crop` as text in a form."""
    boundary = "-" * 26 + "151138407451954597577811"
    disposition = 'Content-Disposition: form-data; name="{}"'.format
    parts = [(disposition(name), text) for name, text in (("size", b"regular"), ("type", b"auto"), ("crop", b"false"))]
    parts.append((f'{disposition("image_file")}; filename="photo.jpg"\r\nContent-Type: image/jpeg', JPEG))
    headers = {"x-api-key": "k", "accept": "application/json"}
    form = {**headers, "content-type": f"multipart/form-data; boundary={boundary}"}
    answer = send(server, multipart(boundary, parts), form)
    assert is_cutout(base64.b64decode(answer.json()["data"]["result_b64"]))
    wishes = {"size": "preview", "type": "auto", "crop": False, "image_file_b64": base64.b64encode(JPEG).decode()}
    answer = send(server, json.dumps(wishes).encode(), {**headers, "content-type": "application/json"})
    assert is_cutout(base64.b64decode(answer.json()["data"]["result_b64"]))


# --- the Ruby gem -----------------------------------------------------------------------------------------------------


def ask_as_ruby(server: Server, picture: bytes, **options: str) -> httpx2.Response:
    """Faraday's multipart: each file with its length and its encoding. Without a size the gem says `auto`."""
    boundary = "-----------RubyMultipartPost-20086acb9553daf9e055fd993b473084"
    disposition = 'Content-Disposition: form-data; name="{}"'.format
    parts = [(disposition(name), text.encode()) for name, text in {"size": "auto", **options}.items()]
    file = f'{disposition("image_file")}; filename="photo.jpg"\r\nContent-Length: {len(picture)}'
    parts.append((f"{file}\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: binary", picture))
    headers = {
        "User-Agent": "remove-bg-ruby-2.0.0",
        "X-Api-Key": "some-key",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Accept": "*/*",
    }
    return send(server, multipart(boundary, parts), headers)


def test_the_ruby_gem_gets_a_zip_for_png_and_makes_a_png_of_it(server: Server) -> None:
    """It asks for `zip` where PNG is wanted and ImageMagick is there, which then takes the grey picture for alpha."""
    answer = ask_as_ruby(server, JPEG, format="zip")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        color, alpha = (Image.open(BytesIO(archive.read(name))) for name in ("color.jpg", "alpha.png"))
        color.load()
        alpha.load()
    color.putalpha(alpha)
    assert is_cutout(encoded(color))
    assert np.asarray(color)[60, 100, :3].tolist() == pytest.approx(list(RED), abs=8)


def test_the_ruby_gem_reads_numbers_from_the_headers_and_the_title_of_a_refusal(server: Server) -> None:
    headers = ask_as_ruby(server, JPEG).headers
    assert (int(headers["X-Width"]), int(headers["X-Height"])) == (WIDTH, HEIGHT)
    assert float(headers["X-Credits-Charged"]) == 0
    assert headers["X-Type"] == "other"
    refused = ask_as_ruby(server, b"no picture")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["title"]
    account = httpx2.get(f"{server.url}/v1.0/account", headers={"X-Api-Key": "some-key"}, timeout=REQUEST_TIMEOUT_S)
    assert account.json()["data"]["attributes"]["credits"]["total"] > 0

"""`/` and `/studio/...`: what is served, what it may do, and that it can be switched off."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.studio import FOLDER, MEDIA_TYPES, StudioFiles
from service.settings import Settings, read_settings
from tests.api.asking import problem_of
from tests.clients import ready_client

NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())
LANGUAGES = {".js", ".css", ".html"}


def test_the_page_is_at_the_root(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>Silhouette studio</title>" in page.text


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_the_page_is_served_with_its_type_and_the_policy(client: TestClient, name: str) -> None:
    answer = client.get(f"/studio/{name}")
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["Content-Type"] == MEDIA_TYPES[Path(name).suffix]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(policy)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_file_that_did_not_change_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/studio/main.js").headers["ETag"]
    again = client.get("/studio/main.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert client.get("/studio/main.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("given", ["lines=1-2", "bytes=abc", "bytes=5-1", "bytes=", "bytes"])
def test_what_is_no_range_of_bytes_is_passed_over(client: TestClient, given: str) -> None:
    answer = client.get("/studio/main.js", headers={"Range": given})
    assert (answer.status_code, answer.content) == (200, (FOLDER / "main.js").read_bytes())


@pytest.mark.parametrize(
    ("given", "first", "last"), [("bytes=0-9", 0, 10), ("bytes=-5", -5, None), ("bytes=7-", 7, None)]
)
def test_a_range_of_bytes_is_sent_alone(client: TestClient, given: str, first: int, last: int | None) -> None:
    answer = client.get("/studio/main.js", headers={"Range": given, "Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content) == (206, (FOLDER / "main.js").read_bytes()[first:last])


def test_the_script_travels_in_few_bytes(client: TestClient) -> None:
    """Half of what it may be in all, as the browser gets it."""
    scripts = [name for name in NAMES if name.endswith(".js")]
    sizes = [int(client.head(f"/studio/{name}").headers["Content-Length"]) for name in scripts]
    assert sum(sizes) < 75_000
    plain = client.get("/studio/main.js", headers={"Accept-Encoding": "identity"})
    zipped = client.get("/studio/main.js", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert (zipped.headers["Content-Encoding"], zipped.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert zipped.content == plain.content


def test_a_head_request_hears_of_the_file_and_does_not_get_it(client: TestClient) -> None:
    head, answer = client.head("/studio/main.js"), client.get("/studio/main.js")
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**answer.headers, "x-request-id": ""}


def test_only_the_kinds_of_file_that_the_page_consists_of_are_served(tmp_path: Path) -> None:
    for name in ("page.html", "notes.txt", "code.py", ".env"):
        (tmp_path / name).write_text("something", encoding="utf-8")
    app = FastAPI()
    app.mount("/", StudioFiles(tmp_path))
    with TestClient(app) as client:
        assert client.get("/page.html").status_code == 200
        assert [client.get(f"/{name}").status_code for name in ("notes.txt", "code.py", ".env")] == [404, 404, 404]


def test_a_linked_installation_is_served(tmp_path: Path) -> None:
    """Some installers link the files of a package to their cache."""
    (tmp_path / "cached").write_text("<!doctype html>", encoding="utf-8")
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "page.html").symlink_to(tmp_path / "cached")
    app = FastAPI()
    app.mount("/", StudioFiles(tmp_path / "installed"))
    with TestClient(app) as client:
        assert client.get("/page.html").text == "<!doctype html>"
        assert client.get("/..%2fcached").status_code == 404


@pytest.mark.parametrize("name", ["missing.js", "../app.py", "%2e%2e/app.py", "..%2fapp.py", "samples", ""])
def test_no_other_file_can_be_asked_for(client: TestClient, name: str) -> None:
    problem_of(client.get(f"/studio/{name}"), 404, "not_found")


def test_the_page_takes_only_get(client: TestClient) -> None:
    assert client.post("/").status_code == 405


def test_the_page_is_not_part_of_the_programming_interface(client: TestClient) -> None:
    assert not [path for path in client.get("/openapi.json").json()["paths"] if path == "/" or "studio" in path]


def test_off_removes_the_page(settings: Settings) -> None:
    given = {"models": settings.models, "model_store": settings.model_store, "device": "cpu", "workers": 1}
    with ready_client(read_settings(studio="off", **given)) as client:
        problem_of(client.get("/"), 404, "not_found")
        problem_of(client.get("/studio/main.js"), 404, "not_found")
        assert client.get("/docs").status_code == 200


@pytest.mark.parametrize("name", [name for name in NAMES if Path(name).suffix in LANGUAGES])
def test_nothing_in_the_page_loads_from_elsewhere_or_is_written_in_line(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    loads = re.findall(r"""(?:src|href|import|from|url\()\s*=?\s*["'(]*(?:https?:)?//[\w.-]+""", text)
    assert not loads
    assert not re.findall(r"<script>|<style|\sstyle=|\son\w+=[\"']|innerHTML|insertAdjacentHTML|eval\(", text)
    # The page has all markup and all words, so that no script has to.
    assert len(text.splitlines()) <= 300 or name == "index.html"

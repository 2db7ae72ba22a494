"""/openapi.json and /docs: a valid document, every option in it, examples that run, and nothing from elsewhere."""

import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.api.examples import OF_ADMINISTRATION, OF_FILMS, OF_SESSIONS
from service.api.problems import STATUS
from service.operations.blur_background import BlurBackgroundOptions
from service.operations.color_pop import ColorPopOptions
from service.operations.options import Options
from service.operations.remove_background import RemoveBackgroundOptions
from service.operations.replace_background import ReplaceBackgroundOptions
from service.operations.segment import SegmentOptions
from service.stream.protocol import FrameHeader, read_hello
from tests.api.asking import POSTS
from tests.fakes import BLUE
from tests.pictures import encoded, plain, red_and_blue

OPTIONS: dict[str, type[Options]] = {
    "/segment": SegmentOptions,
    "/remove-background": RemoveBackgroundOptions,
    "/replace-background": ReplaceBackgroundOptions,
    "/blur-background": BlurBackgroundOptions,
    "/color-pop": ColorPopOptions,
}

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(client: TestClient) -> Document:
    answer = client.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    found: Document = answer.json()
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """(path, operation)"""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def walk(node: Any) -> Iterator[Document]:
    """Every object of the document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)


def test_the_document_is_openapi_3_1_with_every_endpoint(document: Document) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Silhouette"
    models = {"/models", "/models/{name}", "/models/{name}/default"}
    films = {"/videos", "/jobs", "/jobs/{id}", "/jobs/{id}/result"}
    batches = {"/batches", "/batches/{id}", "/batches/{id}/result"}
    assert set(document["paths"]) == {*POSTS, *models, *films, *batches, "/livez", "/readyz", "/startupz", "/metrics"}
    assert all(set(document["paths"][path]) == {"post"} for path in POSTS)


def test_every_operation_has_a_summary_and_an_id_of_its_own(document: Document) -> None:
    found = [operation for _, operation in operations(document)]
    assert all(operation["summary"] for operation in found)
    assert len({operation["operationId"] for operation in found}) == len(found)


def test_every_reference_in_the_document_leads_somewhere(document: Document) -> None:
    for node in walk(document):
        if isinstance(reference := node.get("$ref"), str):
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]


def test_every_parameter_and_response_has_what_openapi_requires(document: Document) -> None:
    for path, operation in operations(document):
        parameters = operation.get("parameters", [])
        assert len({parameter["name"] for parameter in parameters}) == len(parameters)
        for parameter in parameters:
            assert parameter["in"] in ("query", "path", "header")
            assert parameter.get("required", False) == (f"{{{parameter['name']}}}" in path)
            assert "type" in parameter["schema"] or "enum" in parameter["schema"]
        assert all(re.fullmatch("[1-5][0-9][0-9]", status) for status in operation["responses"])
        assert all(response["description"] for response in operation["responses"].values())


def test_every_failure_that_is_documented_is_a_problem_document(document: Document) -> None:
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (path, status)


@pytest.mark.parametrize("path", OPTIONS)
def test_every_option_is_documented(document: Document, path: str) -> None:
    documented = document["paths"][path]["post"]["parameters"]
    parameters = {entry["name"]: entry for entry in documented if entry["in"] == "query"}
    assert set(parameters) == set(OPTIONS[path].model_fields)
    assert all(len(parameter["description"]) > 5 for parameter in parameters.values())


@pytest.mark.parametrize("path", OPTIONS)
def test_every_endpoint_takes_a_form_and_a_raw_image(document: Document, path: str) -> None:
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "image/*"}
    files = content["multipart/form-data"]["schema"]["properties"]
    own = {"background"} if path == "/replace-background" else set()
    assert set(files) == {"image", "keep_mask", "remove_mask", "matte"} | own


@pytest.mark.parametrize("path", OPTIONS)
def test_every_header_of_an_answer_is_documented(client: TestClient, document: Document, path: str) -> None:
    documented = {name.lower() for name in document["paths"][path]["post"]["responses"]["200"]["headers"]}
    answer = post(client, path, {})
    sent = {name for name in answer.headers if name.startswith("x-") or name == "server-timing"}
    assert answer.status_code == 200
    assert sent <= documented


def test_segment_says_that_it_is_free_of_instances(document: Document) -> None:
    assert "instance" in document["paths"]["/segment"]["post"]["description"]


@pytest.mark.parametrize("path", OPTIONS)
def test_every_example_and_default_runs(client: TestClient, document: Document, path: str) -> None:
    failed = []
    for parameter in document["paths"][path]["post"]["parameters"]:
        for value in values_of(parameter):
            answer = post(client, path, {parameter["name"]: value}, parameter["in"])
            if answer.status_code != 200:
                failed.append(f"{parameter['name']}={value}: {answer.text}")
    assert not failed


@pytest.mark.parametrize("path", OPTIONS)
def test_all_defaults_together_run(client: TestClient, document: Document, path: str) -> None:
    parameters = document["paths"][path]["post"]["parameters"]
    defaults = {entry["name"]: text(entry["schema"]["default"]) for entry in parameters if "default" in entry["schema"]}
    assert defaults
    assert post(client, path, defaults).status_code == 200


def values_of(parameter: Document) -> list[str]:
    """What a reader of the document would try: examples, the default, and each choice of an enumeration."""
    schema = parameter["schema"]
    values = [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]
    choices = ["png"] if parameter["name"] == "format" else schema.get("enum", [])
    return list(dict.fromkeys(text(value) for value in [*values, *choices]))


def text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def post(client: TestClient, path: str, options: dict[str, str], place: str = "query") -> Response:
    """A request as the page makes it; /replace-background gets a picture unless the option is a colour."""
    files = {"image": ("photo.png", encoded(red_and_blue()), "image/png")}
    if path == "/replace-background" and "color" not in options:
        files["background"] = ("beach.png", encoded(plain(BLUE)), "image/png")
    if place == "header":
        return client.post(path, files=files, headers=options)
    return client.post(path, files=files, params=options)


def test_the_page_and_all_of_its_files_come_from_here(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page.text)
    files = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert len(files) >= 3
    for file in [*files, *re.findall(r"url: '([^']+)'", page.text)]:
        assert "/" not in file[:1]  # so that it is found behind a proxy that puts a path in front
        assert client.get(file).status_code == 200, file


def test_the_style_of_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    (sheet,) = re.findall(r'href="([^"]+\.css)"', page)
    assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", client.get(sheet).text)


def test_there_is_no_second_page_that_would_load_from_elsewhere(client: TestClient) -> None:
    assert client.get("/redoc").status_code == 404


def problem_examples(document: Document, path: str) -> dict[str, Document]:
    """Every example of a failure on this endpoint, by its code."""
    responses = document["paths"][path]["post"]["responses"]
    found: dict[str, Document] = {}
    for status, response in responses.items():
        for code, example in response["content"].get("application/problem+json", {}).get("examples", {}).items():
            assert (example["value"]["code"], str(example["value"]["status"])) == (code, status)
            found[code] = example["value"]
    return found


@pytest.mark.parametrize("path", POSTS)
def test_every_failure_that_a_picture_can_meet_has_an_example(document: Document, path: str) -> None:
    told_elsewhere = (*OF_SESSIONS, *OF_ADMINISTRATION, *OF_FILMS)
    codes = {kind.code for kind in STATUS if kind not in told_elsewhere} | {"internal_error"}
    assert set(problem_examples(document, path)) == codes


PHOTO = {"image": ("photo.png", encoded(red_and_blue()), "image/png")}
JPEG_XL = {"image": ("photo.jxl", b"\xff\x0a" + bytes(30), "image/jxl")}

PROVOKED: dict[str, dict[str, Any]] = {
    "unsupported_body": {"json": {}},
    "unsupported_image": {"files": JPEG_XL},
    "missing_image": {"files": {"quality": (None, "90")}},
    "bad_option": {"files": PHOTO, "params": {"quality": "101"}},
    "unknown_option": {"files": PHOTO, "params": {"qualty": "80"}},
    "unknown_model": {"files": PHOTO, "params": {"model": "u3net"}},
    "not_acceptable": {"files": PHOTO, "headers": {"Accept": "image/tiff"}},
    "no_foreground": {"files": {"image": ("photo.png", encoded(plain(BLUE)), "image/png")}},
}

SAID_OTHERWISE = {"unknown_model", "no_foreground"}
"""Those whose detail has names in it that are not the same everywhere."""


@pytest.mark.parametrize("code", PROVOKED)
def test_the_example_of_a_failure_is_what_really_comes_back(client: TestClient, document: Document, code: str) -> None:
    real = client.post("/remove-background", **PROVOKED[code]).json()
    example = problem_examples(document, "/remove-background")[code]
    differing = {"request_id", *({"detail"} if code in SAID_OTHERWISE else set())}
    assert set(real) == set(example)
    assert {name for name in real if real[name] != example[name]} <= differing, real


@pytest.mark.parametrize("path", POSTS)
def test_the_request_that_the_page_fills_in_runs(client: TestClient, document: Document, path: str) -> None:
    operation = document["paths"][path]["post"]
    options = {entry["name"]: entry["example"] for entry in operation["parameters"] if "example" in entry}
    answer = client.post(path, files=PHOTO, params=options)
    assert answer.status_code == 200, answer.text
    query = urllib.parse.urlencode(options)
    assert f"127.0.0.1:8000{path}{'?' if query else ''}{query}' -o result.png" in operation["description"]


def test_the_example_of_an_answer_in_json_has_its_fields(client: TestClient, document: Document) -> None:
    content = document["paths"]["/segment"]["post"]["responses"]["200"]["content"]
    example = content["application/json"]["example"]
    real = client.post("/segment", files=PHOTO, params={"output": "summary", "model": "tiny-classes"}).json()
    assert set(real) == set(example)
    assert set(real["classes"][0]) == set(example["classes"][0])


def test_the_messages_of_a_live_session_in_the_description_are_some(document: Document) -> None:
    hello, header = re.findall(r"```json\n(.*?)\n```", document["info"]["description"])
    assert read_hello(hello).effect == "blur-background"
    assert FrameHeader.model_validate_json(header).seq == 1


def test_the_page_is_dark_where_the_system_is(client: TestClient) -> None:
    page = client.get("/docs").text
    (sheet,) = re.findall(r'href="([^"]+\.css)"', page)
    assert "prefers-color-scheme: dark" in page
    assert "html.dark-mode" in client.get(sheet).text

"""What an answer says of itself in its headers, and the one line that the log gets. Never what is in the picture."""

import logging
import re
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.api.asking import EFFECTS, POSTS, ask_for, problem_of
from tests.fakes import DARK
from tests.pictures import encoded, painted, plain

STAGES = ["wait", "decode", "resize", "queue", "infer", "matte", "compose", "encode"]


def identified(client: TestClient, request_id: str | bytes, path: str = "/livez") -> Response:
    return client.get(
        path, headers={b"X-Request-Id": request_id if isinstance(request_id, bytes) else request_id.encode()}
    )


@pytest.mark.parametrize("request_id", ["a", "7f3b-99", "Root=1-67891233-abcdef", "a.b_c:d/e+f=", "x" * 128])
def test_a_safe_request_id_comes_back(client: TestClient, request_id: str) -> None:
    assert identified(client, request_id).headers["X-Request-Id"] == request_id


@pytest.mark.parametrize(
    "request_id", ["", "a b", "x" * 129, 'a"b', "<script>", "a;b", "a,b", "{}", "a\tb", b"caf\xe9", b"\xd9\xa3"]
)
def test_an_unsafe_request_id_is_replaced(client: TestClient, request_id: str | bytes) -> None:
    assert re.fullmatch("[0-9a-f]{32}", identified(client, request_id).headers["X-Request-Id"])


def test_every_request_without_an_id_gets_its_own(client: TestClient) -> None:
    assert len({client.get("/livez").headers["X-Request-Id"] for _ in range(5)}) == 5


@pytest.mark.parametrize("path", ["/models", "/docs", "/openapi.json", "/nowhere", "/segment", "/models/sam"])
def test_every_kind_of_answer_has_the_request_id(client: TestClient, path: str) -> None:
    assert identified(client, "my-id", path).headers["X-Request-Id"] == "my-id"


def test_a_problem_document_quotes_the_request_id(client: TestClient) -> None:
    headers = {"Content-Type": "image/png", "X-Request-Id": "my-id"}
    answer = client.post("/segment", content=b"no picture", headers=headers)
    assert problem_of(answer, 415, "unsupported_image")["request_id"] == "my-id"


@pytest.mark.parametrize("path", EFFECTS)
def test_the_server_timing_of_a_picture_has_every_stage_in_order(client: TestClient, path: str) -> None:
    assert list(timing_of(ask_for(client, path, painted()))) == STAGES


@pytest.mark.parametrize("output", ["labels", "mask", "masks", "overlay", "confidence", "summary"])
def test_the_server_timing_of_a_segmentation_has_every_stage_but_compose(client: TestClient, output: str) -> None:
    timing = timing_of(ask_for(client, "/segment", painted(), {"output": output}))
    assert [stage for stage in timing if stage != "compose"] == [stage for stage in STAGES if stage != "compose"]


def timing_of(answer: Response) -> dict[str, float]:
    """Milliseconds by stage, read as a browser reads them."""
    entries = [re.fullmatch(r"(\w+);dur=(\d+\.?\d*)", entry) for entry in answer.headers["Server-Timing"].split(", ")]
    return {entry[1]: float(entry[2]) for entry in entries if entry is not None}


def test_the_stages_together_take_no_longer_than_the_request(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    fields = line_of(client, caplog, "/remove-background", encoded(painted()))
    assert 0 < sum(fields[stage] for stage in STAGES) <= fields["ms"] + 0.1 * len(STAGES)


@pytest.mark.parametrize("path", POSTS)
def test_an_answer_says_which_model_and_device_it_comes_from(client: TestClient, path: str) -> None:
    headers = ask_for(client, path, painted()).headers
    assert re.fullmatch(r"tiny-(subject|classes)@1", headers["X-Model"])
    assert headers["X-Device"] == "cpu"


def lines_of(caplog: pytest.LogCaptureFixture, request_id: str) -> list[logging.LogRecord]:
    """The service's own; it may be at work for others at the same time."""
    ours = [record for record in caplog.records if record.name.startswith("service")]
    return [record for record in ours if vars(record).get("fields", {}).get("request_id") == request_id]


def line_of(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, content: bytes, **options: str
) -> dict[str, Any]:
    """The fields of the one line that this request left."""
    headers = {"X-Request-Id": "my-id"}
    files = {"image": ("secret-holiday.png", content, "image/png")}
    with caplog.at_level(logging.INFO):
        client.post(path, files=files, data={**POSTS[path], **options}, headers=headers)
    (record,) = (record for record in lines_of(caplog, "my-id") if record.getMessage() == "request")
    fields: dict[str, Any] = vars(record)["fields"]
    return fields


@pytest.mark.parametrize("path", POSTS)
def test_a_request_leaves_one_line_of_facts(client: TestClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    fields = line_of(client, caplog, path, encoded(painted()))
    facts = {name: fields[name] for name in ("request_id", "method", "path", "status", "outcome", "device")}
    assert facts == {
        "request_id": "my-id",
        "method": "POST",
        "path": path,
        "status": 200,
        "outcome": "ok",
        "device": "cpu",
    }
    assert fields["model"].startswith("tiny-")
    assert set(STAGES) - {"compose"} <= set(fields)


@pytest.mark.parametrize(
    ("content", "status", "outcome"),
    [(b"no picture", 415, "unsupported_image"), (encoded(plain(DARK)), 422, "no_foreground")],
)
def test_a_failure_leaves_one_line_with_its_code(
    client: TestClient, caplog: pytest.LogCaptureFixture, content: bytes, status: int, outcome: str
) -> None:
    fields = line_of(client, caplog, "/remove-background", content)
    assert (fields["status"], fields["outcome"]) == (status, outcome)


@pytest.mark.parametrize("content", [encoded(painted()), b"no picture", encoded(painted())[:300]])
def test_nothing_of_the_picture_is_in_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    with caplog.at_level(logging.DEBUG):
        line_of(client, caplog, "/remove-background", content)
    for record in (record for record in caplog.records if record.name.startswith("service")):
        fields = vars(record).get("fields", {})
        assert all(isinstance(value, str | int | float | None) for value in fields.values())
        said = f"{record.getMessage()} {fields}"
        assert "secret-holiday" not in said
        assert "PNG" not in said
        assert len(said) < 1000


def test_probes_leave_no_line_at_the_usual_level(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for path in ("/livez", "/readyz"):
            client.get(path, headers={"X-Request-Id": "my-id"})
    assert not lines_of(caplog, "my-id")

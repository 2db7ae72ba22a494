"""The recorder would be worse than none if it called two answers identical that are not."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.recorder.answers import Answer, as_data, question_kept, steady_headers
from scripts.recorder.comparison import differences
from scripts.recorder.questions import Ask, Reading
from scripts.recorder.report import Expectation, Report, read_expectations
from scripts.recorder.table import TABLE
from service.pixels.encoders import npz
from tests.pictures import encoded, painted


def body(content: bytes) -> Answer:
    return Answer(200, {}, {"body": content})


def told(before: bytes, after: bytes, reading: Reading = "exact") -> list[str]:
    return list(differences(body(before), body(after), reading))


def test_status_and_headers_that_differ_are_named() -> None:
    before = Answer(200, {"x-model": "u2net@1", "vary": "Accept"}, {})
    after = Answer(503, {"x-model": "u2net@2", "retry-after": "1"}, {})
    assert list(differences(before, after, "nothing")) == [
        "status: 200 -> 503",
        "header x-model: u2net@1 -> u2net@2",
        "header vary: Accept -> (not there)",
        "header retry-after: (not there) -> 1",
    ]


def test_pictures_are_compared_by_their_levels() -> None:
    darker = Image.fromarray(np.asarray(painted()) // 2)
    [line] = told(encoded(painted()), encoded(darker))
    apart = np.asarray(painted()) - np.asarray(darker)
    assert f"levels differ by at most {apart.max()}, {apart.mean():.4f} on average" in line


def test_the_same_picture_in_other_bytes_is_no_identical_answer() -> None:
    [line] = told(encoded(painted(), compress_level=1), encoded(painted(), compress_level=9))
    assert "the same levels" in line


def test_json_differs_at_its_first_path() -> None:
    before, after = {"classes": [{"score": 1, "area": 2}]}, {"classes": [{"score": 3, "area": 4}]}
    assert told(json.dumps(before).encode(), json.dumps(after).encode()) == ["body.classes[0].score: 1 -> 3"]


@pytest.mark.parametrize(
    ("grown", "expected"),
    [
        ({"a": 1, "b": 2, "parameters": [{"name": "y"}, {"name": "x", "in": "query"}], "enum": ["q", "p"]}, []),
        ({"a": 1, "parameters": [{"name": "x", "in": "form"}], "enum": ["p"]}, ["body.parameters.x.in: query -> form"]),
        (
            {"a": 1, "parameters": [], "enum": ["q"]},
            ['body.parameters.x: {"name": "x", "in": "query"} -> (not there)', "body.enum: p is gone"],
        ),
    ],
)
def test_a_structure_may_grow_but_nothing_may_go(grown: dict[str, object], expected: list[str]) -> None:
    before = {"a": 1, "parameters": [{"name": "x", "in": "query"}], "enum": ["p"]}
    assert told(json.dumps(before).encode(), json.dumps(grown).encode(), "structure") == expected


def test_archives_are_compared_by_their_members() -> None:
    labels, confidence = np.zeros((2, 2), np.uint8), np.full((2, 2), 7, np.uint8)
    lines = told(npz(labels, confidence, ["a"]), npz(labels, confidence + 2, ["a"]))
    assert len(lines) == 1
    assert lines[0].startswith("body/conf")


def test_texts_of_a_structure_keep_their_lines() -> None:
    assert told(b"one\ntwo", b"two\nthree\none", "structure") == []
    assert told(b"one\ntwo", b"two", "structure") == ["body: line is gone: one"]
    assert told(b"one\ntwo", b"one\ntoo") == ["body: two -> too"]


def test_an_expected_difference_needs_its_reason_and_hides_no_other() -> None:
    report = Report([Expectation("cutout-*", "a new version", "header x-model: *")])
    assert report.row("cutout-webp", ["header x-model: a -> b"]).startswith("expected")
    assert report.row("cutout-png", ["header x-model: a -> b", "status: 200 -> 500"]).startswith("DIFFERS")
    assert report.row("labels", ["header x-model: a -> b"]).startswith("DIFFERS")
    assert report.summary() == "0 identical, 1 differ as expected, 2 differ otherwise"


def test_an_expectation_that_nothing_meets_is_told(tmp_path: Path) -> None:
    file = tmp_path / "expected.toml"
    file.write_text('[[difference]]\nanswer = "cutout"\nreason = "why"\n')
    report = Report(read_expectations(file))
    assert report.row("cutout", []).startswith("identical")
    assert "expected and not seen: cutout: *" in report.summary()


def test_an_answer_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    question = Ask("cutout", "/remove-background", "cat.png", {"format": "webp"})
    answer = Answer(200, {"vary": "Accept"}, {"body": b"\x00\xff", "out/cat.png": b""})
    answer.keep(tmp_path, question)
    assert Answer.kept(tmp_path) == answer
    assert question_kept(tmp_path) == as_data(question)


def test_headers_lose_what_changes_from_run_to_run() -> None:
    headers = {
        "Date": "today",
        "ETag": 'W/"0a1b"',
        "Server-Timing": "decode;dur=1.2, infer;dur=30.0",
        "X-Request-Id": "9",
    }
    assert steady_headers(headers) == {"etag": 'W/"..."', "server-timing": "decode, infer", "x-request-id": "..."}


def test_every_question_has_a_name_of_its_own() -> None:
    names = [question.name for question in TABLE]
    assert len(set(names)) == len(names)

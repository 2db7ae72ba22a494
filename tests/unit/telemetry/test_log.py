"""Log lines that a caller cannot forge."""

import logging

import pytest

from service.telemetry.log import FIELDS, JsonLines, Stopwatch, TextLines, server_timing


def record(**fields: object) -> logging.LogRecord:
    made = logging.LogRecord("service", logging.INFO, __file__, 1, "request", None, None)
    setattr(made, FIELDS, fields)
    return made


@pytest.mark.parametrize("path", ["/\n12:00:00 ready", "/\x1b[2J", "/\r", "/\u2028"])
@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()], ids=["text", "json"])
def test_a_path_forges_no_line_and_steers_no_terminal(formatter: logging.Formatter, path: str) -> None:
    line = formatter.format(record(path=path))
    assert line.isprintable()
    assert "request" in line


def test_a_stage_that_runs_twice_is_added_up_and_stages_come_in_order() -> None:
    watch = Stopwatch()
    watch.add("encode", 1.0)
    watch.add("decode", 2.0)
    watch.add("decode", 0.5)
    assert server_timing(watch.elapsed_ms) == "decode;dur=2.5, encode;dur=1.0"

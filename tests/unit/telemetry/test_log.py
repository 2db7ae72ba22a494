"""Log lines that a caller cannot forge."""

import logging

import pytest

from service.telemetry.log import FIELDS, JsonLines, TextLines


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

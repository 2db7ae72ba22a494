"""What is said of each photo."""

from pathlib import Path

import pytest

from service.cli.files.report import PhotoFailed, Report
from service.cli.files.run import write_report


def test_a_failure_is_one_line_whatever_the_file_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    Report("segment", 1).failed("two\nlines\x1b[2J\udcff 🐈.jpg", PhotoFailed("bad_option", "`light_wrap`: no\nnumber"))
    assert capsys.readouterr().err == "two?lines?[2J? 🐈.jpg: --light-wrap: no number\n"


def test_the_end_says_how_many_have_a_result_and_what_became_of_the_others() -> None:
    report = Report("segment", 3)
    report.failed("a.jpg", PhotoFailed("missing_image", "it is empty"))
    assert report.summary("in out") == "0 of 3 photos done, in out; 1 failed"
    assert report.document()["photos"] == [
        {
            "in": "a.jpg",
            "out": None,
            "status": "failed",
            "code": "missing_image",
            "detail": "it is empty",
            "ms": None,
        }
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to a disk that is always full")
def test_a_report_that_does_not_fit_is_told_by_its_name() -> None:
    with pytest.raises(OSError, match="'/dev/full'"):
        write_report(Report("segment", 0), "/dev/full")

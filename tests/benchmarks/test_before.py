"""What benchmarks/before/ makes of its measurements, and the builds that it measures."""

import math
import subprocess
from pathlib import Path

import pytest

from benchmarks.before.measures import MEASURES, Figures
from benchmarks.before.pixels import lock_samples
from benchmarks.before.record import Record
from benchmarks.before.report import goals, print_record, rows
from benchmarks.harness.builds import HERE, NoSuchBuild, older_build

ANSWERS = "answers_1080p_4"


def record(*pairs: tuple[float, float], file: Path | None = None) -> Record:
    """Of rounds: answers a second here, and of the older build."""
    found = Record("this machine", file)
    for number, (here, base) in enumerate(pairs):
        found.add(Figures("here", "serving", number, {ANSWERS: here}))
        found.add(Figures("base", "serving", number, {ANSWERS: base}))
    return found


def row(found: Record) -> tuple[str, ...]:
    return next(row for row in rows(found) if row[0] == MEASURES[ANSWERS].title)


def test_a_ratio_is_of_one_round_so_that_a_slow_moment_of_the_machine_hits_both() -> None:
    found = record((4.0, 2.0), (1.0, 0.4), (6.0, 2.0))
    assert found.ratios(ANSWERS) == [2.0, 2.5, 3.0]
    assert row(found)[1:] == ("2.00", "4.00", "2.50", "2.00 to 3.00", "3", ">= 2.2: met")


def test_a_round_in_which_one_build_failed_has_no_ratio() -> None:
    found = record((4.0, 2.0))
    found.add(Figures("here", "serving", 1, {ANSWERS: 9.0}))
    found.add(Figures("base", "serving", 1, {}, "it did not start"))
    assert found.ratios(ANSWERS) == [2.0]
    assert [goal.met for goal in goals(found)] == [False]


def test_what_was_not_measured_is_no_goal_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    found = record()
    assert goals(found) == []
    assert row(found)[1:] == ("-", "-", "-", "-", "0", "not measured")
    assert math.isnan(Figures("here", "serving", 0, {}).value(ANSWERS))
    print_record(found, markdown=True)
    assert "| not measured |" in capsys.readouterr().out


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    written = record((4.0, 2.0), file=file)
    assert Record.read(file).figures == written.figures


def test_the_lock_is_counted_where_a_photo_is_measured_and_not_where_packages_are_imported() -> None:
    raw = "main (a.py);measure (b.py);matte (c.py) 7\nmain (a.py);measure (b.py);_find_and_load (d) 40\nmain (a.py) 3\n"
    assert lock_samples(raw) == 7


@pytest.mark.skipif(not (HERE.folder / ".git").exists(), reason="this is no checkout")
def test_a_commit_is_unpacked_beside_this_checkout_and_gone_afterwards() -> None:
    asked = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(asked, cwd=HERE.folder, capture_output=True, text=True, check=True).stdout.strip()
    with older_build(commit) as build:
        assert build.folder.parent == HERE.folder.parent
        assert (build.folder / "service" / "app.py").read_text() == _committed("service/app.py")
    assert not build.folder.exists()


def _committed(path: str) -> str:
    asked = ["git", "show", f"HEAD:{path}"]
    return subprocess.run(asked, cwd=HERE.folder, capture_output=True, text=True, check=True).stdout


def test_what_is_neither_a_commit_nor_a_folder_is_said_to_be_so() -> None:
    with pytest.raises(NoSuchBuild, match="neither a folder nor a commit"), older_build("no-such-thing"):
        pass


def test_a_folder_without_the_service_is_said_not_to_run(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text("raise SystemExit('nothing here')")
    with pytest.raises(NoSuchBuild, match="does not run"), older_build(str(tmp_path)):
        pass

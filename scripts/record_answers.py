"""Keeps what one build of the service answers, and finds what another build answers differently.

    python scripts/record_answers.py record --source CHECKOUT --out FOLDER
    python scripts/record_answers.py compare FOLDER --source OTHER_CHECKOUT --expect EXPECTED.toml

A checkout is a folder with `service/` and, pulled, the weights in `model_store/`. What is asked is in
`scripts/recorder/table.py`; the pictures that were sent are kept with the answers and are sent again. Differences that
are meant stand in a file:

    [[difference]]
    answer = "cutout-*"
    what = "header x-model: *"
    reason = "the model's version is new"
"""

import argparse
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

if not __package__:  # started as a file: Python then looks for imports beside this file, not in the repository
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.recorder import pictures
from scripts.recorder.answers import Answer, as_data, question_kept
from scripts.recorder.comparison import differences
from scripts.recorder.interview import answers
from scripts.recorder.questions import Question
from scripts.recorder.report import Report, read_expectations
from scripts.recorder.table import TABLE


def main() -> int:
    """1 where an answer differs that was not expected to."""
    chosen = _parser().parse_args()
    asked = [question for question in TABLE if fnmatchcase(question.name, chosen.only)]
    if chosen.action == "record":
        record(chosen.source.resolve(), asked, chosen.out.resolve())
        return 0
    report = Report(read_expectations(chosen.expect) if chosen.expect else [])
    compare(chosen.source.resolve(), asked, chosen.folder.resolve(), report)
    print(report.summary())
    return 1 if report.different else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(required=True, dest="action", metavar="ACTION")
    recording = actions.add_parser("record", help="ask a build everything and keep its answers")
    recording.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    comparing = actions.add_parser("compare", help="ask another build the same, and say what differs")
    comparing.add_argument("folder", type=Path, metavar="FOLDER", help="what `record` has kept")
    comparing.add_argument("--expect", type=Path, metavar="FILE", help="differences that are meant, with their reasons")
    for action in (recording, comparing):
        action.add_argument("--source", type=Path, required=True, help="the checkout that is asked")
        action.add_argument("--only", default="*", metavar="PATTERN", help="the names of what is asked, as in a shell")
    return parser


def record(source: Path, asked: Sequence[Question], out: Path) -> None:
    """Raises FileExistsError where there is something already: nothing is ever recorded over."""
    pictures.make(out / "pictures")
    started = time.monotonic()
    for question, answer in answers(source, asked, out / "pictures"):
        answer.keep(out / question.name, question)
        print(f"{time.monotonic() - started:6.1f} s  {question.name}: {answer.status}", flush=True)


def compare(source: Path, asked: Sequence[Question], folder: Path, report: Report) -> None:
    """Only what was recorded, and in the same words."""
    known = [question for question in asked if (folder / question.name / "answer.json").exists()]
    for question, answer in answers(source, known, folder / "pictures"):
        if question_kept(folder / question.name) == as_data(question):
            found = list(differences(Answer.kept(folder / question.name), answer, question.body))
        else:
            found = ["the question is another than was recorded: record again"]
        print(report.row(question.name, found), flush=True)


if __name__ == "__main__":
    sys.exit(main())

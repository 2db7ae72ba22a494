"""What a mistyped command is answered with."""

import subprocess
import sys

import pytest

from service.cli import main


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["remove-backgroud", "a.jpg"], "did you mean remove-background?"),
        (["remove_background", "a.jpg"], "did you mean remove-background?"),
        (["convert", "a.jpg"], "there are serve, top, models, "),
        (["segment", "a.jpg", "--quallity", "5"], "did you mean --quality?"),
        (["segment", "a.jpg", "--quallity=5"], "there is no option --quallity; did you mean --quality?"),
        (["remove-background", "a.jpg", "--no-decontaminaet"], "did you mean --no-decontaminate?"),
        (["segment", "a.jpg", "--output", "labelz"], "did you mean labels?"),
        (["serve", "--prot", "80"], "did you mean --port?"),
        (["serve", "8000"], "unexpected: 8000"),
        (["models", "verfy"], "did you mean verify?"),
        (["--verson"], "did you mean --version?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_answered_in_one_line_with_the_nearest(
    arguments: list[str], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert advice in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["models"]], ids=["silhouette", "silhouette models"])
def test_a_command_that_lacks_what_to_do_shows_its_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    assert " ".join(["usage: silhouette", *arguments]) in capsys.readouterr().out


CTRL_C_WHILE_IT_IMPORTS = """
import sys
from service.cli import main

class CtrlC:
    def find_spec(self, name, path, target=None):
        if name == "service.operations":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
main(["serve"])
"""


def test_ctrl_c_while_the_commands_are_imported_prints_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_WHILE_IT_IMPORTS], capture_output=True, text=True, timeout=180, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")

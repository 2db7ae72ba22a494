"""Every command explains itself, at once."""

import subprocess
import sys

import pytest

from service.cli import main
from service.operations import OPERATIONS

WORK = list(OPERATIONS)


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["serve"],
        ["models"],
        *(["models", action] for action in ("list", "pull", "verify", "show")),
        *([w] for w in WORK),
    ],
    ids=" ".join,
)
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert " ".join(["usage: silhouette", *command]) in said
    assert command not in [[w] for w in WORK] or f"cat photo.jpg | silhouette {command[0]} -" in said


def test_help_is_there_without_loading_torch() -> None:
    code = "import sys, service.cli; print('torch' in sys.modules or 'fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

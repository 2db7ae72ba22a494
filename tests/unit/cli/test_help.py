"""Every command explains itself, at once."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from service.cli import main
from service.cli.main import parser
from service.operations import OPERATIONS
from service.settings import Settings, read_settings


def commands_below(command: argparse.ArgumentParser, *path: str) -> Iterator[tuple[str, ...]]:
    """This one, and all that it has."""
    yield path
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from commands_below(below, *path, name)


COMMANDS = [*commands_below(parser())]


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_how_it_is_used(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert " ".join(["usage: silhouette", *command]) in help_of(capsys, *command)


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != ("mcp",)], ids=" ".join)
def test_every_command_that_people_type_shows_how(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    shown = help_of(capsys, *command).splitlines()
    typed = " ".join(["silhouette", *command])
    assert any(f"{typed} " in f"{line} " for line in shown if line.startswith("  "))


@pytest.mark.parametrize("command", OPERATIONS)
def test_every_operation_shows_how_it_works_in_a_pipe(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"cat photo.jpg | silhouette {command} -" in help_of(capsys, command)


def test_prose_is_wrapped_to_the_terminal_and_examples_are_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    _, prose, *_, examples = help_of(capsys, "models", "evaluate").split("\n\n")
    assert prose.startswith("Measure a model on your pictures")
    assert 40 < max(map(len, prose.splitlines())) <= 60 < max(map(len, examples.splitlines()))


def test_every_default_is_shown_as_it_is_set_in_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = re.findall(r"(SILHOUETTE_\w+) \(default: (.*)\)", help_of(capsys, "serve"))
    assert len(shown) == len(Settings.model_fields)
    for name, default in shown:
        monkeypatch.delenv(name, raising=False)
        if default != "unset":
            monkeypatch.setenv(name, default)
    as_told = read_settings()
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert {name: getattr(as_told, name) for name in defaults} == defaults


def test_help_is_there_without_loading_torch() -> None:
    code = "import sys, service.cli; print('torch' in sys.modules or 'fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""argparse that answers in one line, and says what was probably meant."""

import argparse
import difflib
import textwrap
from collections.abc import Iterable
from typing import Any, NoReturn

from service.cli.exit_codes import WRONG_COMMAND


class Help(argparse.RawDescriptionHelpFormatter):
    """Prose is wrapped to the terminal; examples, which are indented, stand as they were written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if any(line.startswith(" ") for line in text.splitlines()):
            return super()._fill_text(text, width, indent)
        return textwrap.fill(" ".join(text.split()), width)


class Parser(argparse.ArgumentParser):
    """One command."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """As argparse's own, with `Help`."""
        super().__init__(*arguments, **{"formatter_class": Help, **settings})

    words: str | None = None
    """The list that also takes words behind further options: argparse by itself takes one run of them."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Refuses what it does not know, with the nearest option. What it returns as unknown is always empty."""
        chosen, rest = super().parse_known_args(args, namespace)
        for word in rest:
            if word.startswith("-") and word != "-":
                self._refuse_option(word.partition("=")[0])
        if rest and self.words is None:
            self.error(f"unexpected: {' '.join(rest)}")
        if rest:
            getattr(chosen, str(self.words)).extend(rest)
        return chosen, []

    def show_help(self, _: argparse.Namespace) -> int:
        """For a command that is given without what it needs to do anything."""
        self.print_help()
        return 0

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_COMMAND, f"silhouette: {message} (see {self.prog} --help)\n")

    def _refuse_option(self, option: str) -> NoReturn:
        self.error(f"there is no option {option}{_advice(option, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse's own, with the nearest choice."""
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            raise argparse.ArgumentError(None, f"there is no command {value!r}{_advice(value, known) or _all(known)}")
        raise argparse.ArgumentError(action, f"{value!r} is none of {', '.join(known)}{_advice(value, known)}")


def _advice(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _all(known: Iterable[str]) -> str:
    return f"; there are {', '.join(known)}"

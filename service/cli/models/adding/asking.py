"""What a file cannot say: asked on a terminal, an option elsewhere."""

import sys
from collections.abc import Sequence

from service.cli.console import say
from service.configuration_errors import ConfigurationError


def ask(question: str, option: str, choices: Sequence[str] = ()) -> str:
    """Raises ConfigurationError, naming `option`, where nobody sits at a terminal."""
    told = f" ({', '.join(choices)})" if choices else ""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{question}{told}? The file cannot say: tell it with {option}")
    answer = _read(f"{question}{told}? ")
    while choices and answer not in choices:
        say(f"{answer!r} is none of them; or leave with Ctrl-C and say {option}")
        answer = _read(f"{question}? ")
    return answer


def _read(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()

"""What the commands of all benchmarks have in common: their help, their lists, and how they end early."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator

from service.cli.console import say
from service.cli.exit_codes import INTERRUPTED, WRONG_COMMAND
from service.configuration_errors import ConfigurationError


def argument_parser(description: str | None, epilog: str | None = None) -> argparse.ArgumentParser:
    """Its help has the lines of both texts as they were written."""
    return argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def names(text: str) -> tuple[str, ...]:
    """As a type of an argument: `u2net,selfie`."""
    return tuple(name.strip() for name in text.split(","))


def counts(text: str) -> tuple[int, ...]:
    """As a type of an argument: `1,4,16`."""
    found = text.split(",")
    if not all(count.isdecimal() and int(count) for count in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers")
    return tuple(map(int, found))


@contextlib.contextmanager
def ending_in_one_line(name: str, *failures: type[Exception]) -> Iterator[None]:
    """Exits with 2 and the reason where something is missing or does not start, with 130 at Ctrl-C: no traceback.

    `failures` end it like a ConfigurationError. SIGTERM, as `timeout` sends it, ends it as Ctrl-C does, or its servers
    would outlive it.
    """
    told: tuple[type[Exception], ...] = (ConfigurationError, *failures)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except told as error:
        say(f"{name}: {error}")
        sys.exit(WRONG_COMMAND)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)

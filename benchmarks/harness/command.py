"""How a benchmark ends that cannot go on."""

import contextlib
import signal
import sys
from collections.abc import Iterator

from service.cli.console import say
from service.cli.exit_codes import INTERRUPTED, WRONG_COMMAND
from service.configuration_errors import ConfigurationError


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

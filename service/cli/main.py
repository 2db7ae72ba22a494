"""Takes the command line apart and runs one command.

Imports wait until it does: every worker process imports this file too, and a command that starts itself again has not
paid for them twice.
"""

import atexit
import gc
import os
import sys
from collections.abc import Sequence

from service import __version__
from service.cli.console import say
from service.cli.exit_codes import FAILED, INTERRUPTED, WRONG_COMMAND
from service.cli.parser import Parser
from service.configuration_errors import ConfigurationError
from service.workers.allocator import start_again_with_huge_pages

NO_PIXELS = ("top", "models", "keys", "plan")
"""The commands that have no use for huge pages."""

EPILOG = """\
start here:
  silhouette models pull             bring the default models (once)
  silhouette serve                   answer on http://127.0.0.1:8000, see /docs there
  silhouette remove-background photo.jpg --out cutouts/
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 0, with 1 where some of the work failed, with 2 where the command or a setting is wrong."""
    try:
        sys.exit(_run(arguments))
    except ConfigurationError as error:
        say(f"silhouette: {error}")
        sys.exit(WRONG_COMMAND)
    except OSError as error:  # a full disk, a folder that is not ours
        say(f"silhouette: {error}")
        sys.exit(FAILED)
    except KeyboardInterrupt:  # also while the commands are imported, which takes a second where the disk is cold
        sys.exit(INTERRUPTED)


def _run(arguments: Sequence[str] | None) -> int:
    """The exit code of the command."""
    if arguments is None:
        if _works_on_pixels(sys.argv[1:]):
            start_again_with_huge_pages()
        # Else Python looks for garbage in all that was imported before it ends: .6 s of CPU after `serve` (2026-11-29).
        atexit.register(gc.freeze)
    chosen = parser().parse_args(arguments)
    _tell_of_typing_errors()
    code: int = chosen.run(chosen)
    return code


def _tell_of_typing_errors() -> None:
    from service.settings import misspelt

    for name, meant in misspelt(os.environ).items():
        say(f"silhouette: there is no setting {name}; did you mean {meant}?")


def _works_on_pixels(arguments: Sequence[str]) -> bool:
    return bool(arguments) and not arguments[0].startswith("-") and arguments[0] not in NO_PIXELS


def parser() -> Parser:
    from service.cli import camera, files, keys, mcp, models, plan, serve, top, video

    parser = Parser(
        "silhouette",
        description="Segmentation service: class masks, label maps, cutouts and new backgrounds.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"silhouette {__version__}")
    parser.set_defaults(run=parser.show_help)
    commands = parser.add_subparsers(metavar="COMMAND")
    serve.add_command(commands)
    top.add_command(commands)
    models.add_command(commands)
    keys.add_command(commands)
    plan.add_command(commands)
    mcp.add_command(commands)
    files.add_commands(commands)
    video.add_command(commands)
    camera.add_command(commands)
    return parser

"""The flags of the commands that work on photos, from the table of operations."""

import argparse
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from service.cli.address import add_service_flags
from service.cli.files.run import run
from service.cli.parser import Parser
from service.operations import OPERATIONS
from service.operations.operation import Operation

if TYPE_CHECKING:
    from service.cli.console import Commands

EXAMPLES = """\
examples:
  one photo, one file:
    silhouette {name} photo.jpg{options} --out result.{suffix}
  beside the photo, as photo-{name}.{suffix}:
    silhouette {name} photo.jpg{options}
  a folder and all below it; run it again, and it goes on where it stopped:
    silhouette {name} photos/{options} --recursive --out results/ --skip-existing
  in a pipe:
    cat photo.jpg | silhouette {name} -{options} > result.{suffix}
  by a service that is running, instead of loading models here:
    silhouette {name} photos/{options} --out results/ --url http://127.0.0.1:8000

exit codes: 0 all done, 1 some photos failed, 2 the command or a setting is wrong, 130 interrupted
"""


def add_commands(commands: "Commands") -> None:
    """One for each operation."""
    for operation in OPERATIONS.values():
        summary = operation.summary
        parser = commands.add_parser(
            operation.name,
            help=f"{summary[0].lower()}{summary[1:]}",
            description=f"{summary}, for one photo or many. {operation.description}",
            epilog=_examples(operation),
            usage="%(prog)s PHOTO... [--out PATH] [OPTIONS]",
        )
        _add_photos(parser)
        _add_running(parser)
        _add_options(parser, operation)
        parser.set_defaults(run=run, operation=operation)


def _examples(operation: Operation[Any]) -> str:
    options = "".join(f" --{name.replace('_', '-')} {value}" for name, value in operation.example.items())
    return EXAMPLES.format(name=operation.name, options=options, suffix=operation.formats[0])


def _add_photos(parser: Parser) -> None:
    parser.words = "photos"
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="a picture, a folder of pictures, or - for standard input"
    )
    group = parser.add_argument_group("where results go")
    group.add_argument(
        "--out",
        metavar="PATH",
        help="a file for one photo, whose suffix chooses the format; a folder where it ends in / or there are several "
        "photos; - for standard output. Default: beside each photo, as NAME-COMMAND.EXT.",
    )
    group.add_argument("--recursive", action="store_true", help="folders with all below them; results keep the tree")
    group.add_argument("--skip-existing", action="store_true", help="leave photos alone whose result is there already")


def _add_running(parser: Parser) -> None:
    group = parser.add_argument_group("how it runs")
    add_service_flags(group, "let a running service do the work, such as http://127.0.0.1:8000")
    group.add_argument("--json", metavar="FILE", help="write what became of each photo; - for standard output")


def _add_options(parser: Parser, operation: Operation[Any]) -> None:
    group = parser.add_argument_group("what is done")
    for picture in operation.pictures:
        instead = f" Instead of --{picture.instead_of}." if picture.instead_of else ""
        group.add_argument(f"--{picture.name.replace('_', '-')}", metavar="PICTURE", help=f"{picture.help}{instead}")
    for field_name, field in operation.options.model_fields.items():
        add_option(group, field_name, field)


def add_option(group: "argparse._ArgumentGroup", name: str, field: FieldInfo) -> None:
    """An option of the service as a flag: same name, same values, same words."""
    flag = f"--{name.replace('_', '-')}"
    default = "" if field.default in (None, ()) else f" Default: {str(field.default).lower()}."
    help_text = f"{field.description}{default}".replace("%", "%%")
    if field.annotation is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=help_text)
    else:
        choices = _choices(field.annotation)
        group.add_argument(flag, choices=choices, metavar=None if choices else "VALUE", help=help_text)


def _choices(annotation: Any) -> Sequence[str] | None:
    """The values of a Literal, also of an optional one."""
    if get_origin(annotation) is types.UnionType or type(None) in get_args(annotation):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return get_args(annotation) if get_origin(annotation) is Literal else None

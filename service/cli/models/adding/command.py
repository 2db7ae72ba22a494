"""`silhouette models add`: takes the command apart, and tells what came of it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from service.cli.console import say
from service.cli.models.adding.origin import bring_original
from service.cli.models.example import SAMPLE, Example
from service.cli.numbers import count
from service.models.store import ModelStore
from service.models.store.added.habits import HABITS
from service.models.store.added.making import Told, parse_size
from service.models.store.added.naming import read_names
from service.models.store.card import ChannelOrder, Filter, InputSpec, Resize, Scale, Triple, Values
from service.models.store.store import need_pull_packages
from service.settings import read_settings

if TYPE_CHECKING:
    from service.cli.console import Commands

DESCRIPTION = """\
Take an ONNX file into the model store as it is: read its graph, write its card, run an example photo, and show what it
sees. Weights beside the file are put into it. What the file cannot say is asked on a terminal, and is an option
elsewhere. Nothing in it is trusted: operators beyond the ONNX standard and weights elsewhere are refused."""


EXAMPLES = """\
examples:
  a network of a family that is known:
    silhouette models add isnet.onnx --name isnet --like isnet
  any other one, with what its file cannot say:
    silhouette models add yours.onnx --name yours --mean 0.5 0.5 0.5 --std 0.5 0.5 0.5 --classes background,leaf,flower
"""


def add_actions(actions: "Commands") -> None:
    parser = actions.add_parser("add", help="serve an ONNX file of your own", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("source", metavar="FILE.onnx|URL")
    parser.add_argument("--name", required=True, metavar="NAME", help="what requests call it: a-z, 0-9 and -")
    parser.add_argument("--replace", action="store_true", help="where there is a model of this name")
    _add_preparation(parser)
    _add_answer(parser)
    parser.add_argument("--title", metavar="TEXT", help="what it sees, in a few words")
    parser.add_argument("--licence", metavar="TEXT", default="not stated", help="for its card. Default: %(default)s.")
    parser.add_argument("--photo", metavar="FILE", default=SAMPLE, help="the example. Default: a portrait we ship.")
    parser.add_argument("--preview", metavar="FILE.png", help="what it sees in that. Default: NAME-preview.png here.")
    parser.set_defaults(run=run)


def _add_preparation(parser: argparse.ArgumentParser) -> None:
    colors = ("RED", "GREEN", "BLUE")
    parser.add_argument("--like", choices=list(HABITS), help="pictures are prepared as for networks of this family")
    parser.add_argument("--size", metavar="N|WxH", help="pixels that it sees, where the graph leaves that open")
    parser.add_argument("--mean", type=float, nargs=3, metavar=colors, help="it sees (rgb / scale - mean) / std")
    parser.add_argument("--std", type=float, nargs=3, metavar=colors)
    parser.add_argument("--scale", choices=get_args(Scale), help="unit: 255; byte: 1; brightest: the picture's maximum")
    parser.add_argument(
        "--resize", choices=get_args(Resize), help="stretch ignores the aspect, pad and shorter keep it"
    )
    parser.add_argument("--multiple", type=count, metavar="N", help="of --resize shorter: of the sides that it sees")
    parser.add_argument("--longest", type=count, metavar="N", help="of --resize shorter. Default: twice the shorter")
    parser.add_argument("--filter", choices=get_args(Filter), help="how pictures are made smaller")
    parser.add_argument("--order", choices=get_args(ChannelOrder), help="of the colours")


def _add_answer(parser: argparse.ArgumentParser) -> None:
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        "--classes", metavar="A,B,C", help="in the order of its channels; the background where it has one"
    )
    names.add_argument(
        "--labels", metavar="FILE", help="the same, one a line, or JSON such as id2label in a config.json"
    )
    parser.add_argument("--foreground", metavar="A,B", help="the classes that are the subject. Default: all.")
    parser.add_argument("--output", metavar="NAME", help="which, of several. Default: the first of the largest maps.")
    parser.add_argument(
        "--values", choices=get_args(Values), help="what the output's numbers are. Default: as they look."
    )


def run(chosen: argparse.Namespace) -> int:
    need_pull_packages()
    from service.cli.models.adding.admission import admit

    settings = read_settings()
    with (
        bring_original(chosen.source, settings.max_model_bytes) as original,
        ModelStore(settings.model_store).adding(chosen.name, chosen.replace) as folder,
    ):
        example = admit(original, folder, _told(chosen), Path(chosen.photo), settings)
    _tell(example, Path(chosen.preview or f"{chosen.name}-preview.png"))
    return 0


def _told(chosen: argparse.Namespace) -> Told:
    return Told(
        title=chosen.title,
        licence=chosen.licence,
        like=chosen.like,
        size=parse_size(chosen.size) if chosen.size else None,
        mean=_triple(chosen.mean),
        std=_triple(chosen.std),
        scale=chosen.scale,
        resize=chosen.resize,
        multiple=chosen.multiple,
        longest=chosen.longest,
        filter=chosen.filter,
        order=chosen.order,
        classes=read_names(Path(chosen.labels)) if chosen.labels else _listed(chosen.classes),
        foreground=_listed(chosen.foreground),
        output=chosen.output,
        values=chosen.values,
    )


def _triple(values: list[float] | None) -> Triple | None:
    return (values[0], values[1], values[2]) if values else None


def _listed(names: str | None) -> list[str] | None:
    return [name.strip() for name in names.split(",")] if names else None


def _sides(seen: InputSpec) -> str:
    size = f"{seen.width}x{seen.height}"
    if seen.longest is None:
        return size
    return f"{size}, or longer one way, up to {seen.longest} (a panorama is made smaller), in steps of {seen.multiple}"


def _tell(example: Example, preview: Path) -> None:
    card = example.card
    example.preview().save(preview)
    areas = ", ".join(f"{name} {share:.1%}" for name, share in example.areas())
    seen, given = card.input, card.output
    say(f"{card.name}: sees {_sides(seen)}, answers {given.width}x{given.height} for that, {given.meaning}")
    say(f"in the example: {areas}; see {preview}")
    say(f"{1000 * example.seconds:.1f} ms a picture for the network alone, on this CPU")
    say(f"added to the model store; `silhouette models load {card.name}` loads it into a service that runs")

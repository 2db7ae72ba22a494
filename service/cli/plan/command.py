"""Reads what is wanted, and prints the lines."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from service.cli.numbers import count, positive
from service.cli.plan.arithmetic import BUSY, Wanted, plan
from service.cli.plan.figures import (
    FRONT,
    FRONT_MEMORY,
    LOCK,
    NETWORK,
    PICTURE_MEMORY,
    SIZES,
    SUPERVISOR,
    WORKER_MEMORY,
    Figure,
)
from service.configuration_errors import ConfigurationError

if TYPE_CHECKING:
    from service.cli.console import Commands

EXAMPLES = """\
examples:
  silhouette plan --rps 200 --size 1080p
  silhouette plan --rps 200 --size 1080p --gpu h100 --images-per-second 900

Only what was measured is counted, on a CPU that is named; measure on yours before you buy.
"""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "plan",
        help="how many cores, fronts, machines and GPUs a load takes",
        description="What so many answers a second take: photos cut out with default options, U2-Net in int8.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--rps", type=positive, required=True, metavar="N", help="answers a second")
    parser.add_argument("--size", choices=list(SIZES), default="1080p", help="of the photos. Default: %(default)s")
    parser.add_argument("--cores", type=count, default=32, metavar="N", help="of one machine. Default: %(default)s")
    parser.add_argument("--gpu", metavar="NAME", help="the networks run on GPUs of this kind")
    parser.add_argument(
        "--images-per-second", type=positive, metavar="N", help="what one of them takes: we have measured none"
    )
    parser.add_argument(
        "--network-ms", type=positive, metavar="N", help=f"of CPU, on yours. Default: {NETWORK.value:g}, as measured"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """The exit code, which is 0. Raises ConfigurationError."""
    from rich.console import Console
    from rich.table import Table

    if chosen.images_per_second and not chosen.gpu:
        raise ConfigurationError("--images-per-second is of a GPU: name it with --gpu")
    wanted = Wanted(chosen.rps, chosen.size, chosen.cores, chosen.gpu, chosen.images_per_second)
    if chosen.network_ms:
        wanted = replace(wanted, network_ms=chosen.network_ms)
    console = Console(width=120)
    needed = Table("what", "formula", "result", title=_title(wanted), box=None, title_justify="left")
    for line in plan(wanted):
        needed.add_row(line.what, line.formula, line.result)
    console.print(needed)
    console.print(f"\nEverything is to be busy for {BUSY:g} of the time.\n")
    sources = Table(
        "figure", "value", "measured by", title="Where the figures are from", box=None, title_justify="left"
    )
    for name, figure in _figures(wanted).items():
        sources.add_row(name, f"{figure.value:g} {figure.unit}", figure.source)
    console.print(sources)
    return 0


def _title(wanted: Wanted) -> str:
    where = f"networks on {wanted.gpu}" if wanted.gpu else "networks on CPUs"
    return f"{wanted.per_s:g} answers a second of {wanted.size}, {where}"


def _figures(wanted: Wanted) -> dict[str, Figure]:
    size = SIZES[wanted.size]
    of_the_network = {} if wanted.gpu else {"network, u2net in int8": NETWORK, "memory of a worker": WORKER_MEMORY}
    return {
        **of_the_network,
        "pixels": size.pixels,
        "HTTP and queues": FRONT,
        "pixels with the lock": LOCK,
        "supervisor": SUPERVISOR,
        "upload": size.upload,
        "answer": size.answer,
        "memory of a front": FRONT_MEMORY,
        "memory of a megapixel": PICTURE_MEMORY,
    }

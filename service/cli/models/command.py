"""The actions of `silhouette models`, in the order in which its help lists them."""

from typing import TYPE_CHECKING

from service.cli.models import adding, evaluate, listing, pulling, quantize, serving, verifying

if TYPE_CHECKING:
    from service.cli.console import Commands

ACTIONS = (listing, pulling, adding, verifying, quantize, evaluate, serving)
"""Each adds its own to the command line, with `add_actions`."""


EXAMPLES = """\
examples:
  silhouette models list --all
  silhouette models pull birefnet-lite --accept-licence
  silhouette models add isnet.onnx --name isnet --like isnet
  silhouette models evaluate --compare u2net isnet --images photos/ --masks masks/
  silhouette models load isnet
"""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "models",
        help="list, pull, add, verify, quantize, evaluate, load or unload models",
        description="What the store has, how it gets there, and what a running service has loaded.",
        epilog=EXAMPLES,
    )
    parser.set_defaults(run=parser.show_help)
    actions = parser.add_subparsers(metavar="ACTION")
    for action in ACTIONS:
        action.add_actions(actions)

"""`silhouette models list` and `show`: what the store has."""

import argparse
from typing import TYPE_CHECKING

from service.cli.models.configured import configured_store

if TYPE_CHECKING:
    from service.cli.console import Commands


def add_actions(actions: "Commands") -> None:
    actions.add_parser("list", help="every model, and whether it was pulled").set_defaults(run=list_models)
    show = actions.add_parser("show", help="everything on a model's card")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=show_model)


def list_models(_: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    store = configured_store()
    table = Table("model", "what it sees", "head", "licence", "download", "pulled", box=None)
    for name in store.names():
        card = store.card(name)
        megabytes = f"{card.download.size_bytes / 1e6:.1f} MB"
        pulled = "yes" if store.is_pulled(card) else "no"
        table.add_row(card.label, card.title, card.output.head, card.licence, megabytes, pulled)
    Console().print(table)
    return 0


def show_model(chosen: argparse.Namespace) -> int:
    from rich import print_json

    print_json(configured_store().card(chosen.name).model_dump_json())
    return 0

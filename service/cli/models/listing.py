"""`silhouette models list` and `show`: what the store has."""

import argparse
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.models.configured import configured_store

if TYPE_CHECKING:
    from service.cli.console import Commands


LIST_EXAMPLES = """\
examples:
  silhouette models list
  silhouette models list --all
"""

SHOW_EXAMPLES = """\
examples:
  silhouette models show u2net
"""


def add_actions(actions: "Commands") -> None:
    every = actions.add_parser("list", help="the models, and whether they were pulled", epilog=LIST_EXAMPLES)
    every.add_argument("--all", action="store_true", help="and those that nobody here has verified yet")
    every.set_defaults(run=list_models)
    show = actions.add_parser("show", help="everything on a model's card", epilog=SHOW_EXAMPLES)
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=show_model)


def list_models(chosen: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    store = configured_store()
    cards = [store.card(name) for name in store.names()]
    shown = [card for card in cards if chosen.all or card.verified or store.is_pulled(card)]
    table = Table("model", "what it sees", "head", "licence", "download", "pulled", box=None)
    for card in shown:
        megabytes = f"{card.download.size_bytes / 1e6:.1f} MB"
        pulled = "yes" if store.is_pulled(card) else "no" if card.verified else "no, unverified"
        licence = f"{card.licence}, with terms" if card.terms else card.licence
        table.add_row(card.label, card.title, card.output.head, licence, megabytes, pulled)
    table.columns[0].no_wrap = True
    Console().print(table)
    if len(shown) < len(cards):
        say(f"{len(cards) - len(shown)} more, not verified by us yet: silhouette models list --all")
    return 0


def show_model(chosen: argparse.Namespace) -> int:
    from rich import print_json

    print_json(configured_store().card(chosen.name).model_dump_json())
    return 0

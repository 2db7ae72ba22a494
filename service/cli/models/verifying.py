"""`silhouette models verify`: whether the weights in the store are the pinned ones."""

import argparse
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.models.configured import configured_store
from service.errors import BadWeights, MissingWeights
from service.models.store import ModelStore

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.models.store import ModelCard

SOME_FAILED = 1


def add_actions(actions: "Commands") -> None:
    verify = actions.add_parser("verify", help="check the weights that were pulled against the pinned sha256")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all that were pulled")
    verify.set_defaults(run=verify_models)


def verify_models(chosen: argparse.Namespace) -> int:
    store = configured_store()
    cards = [store.card(name) for name in chosen.names or store.names()]
    results = [_verify(store, card) for card in cards if chosen.names or store.is_pulled(card)]
    if not results:
        say("nothing was pulled yet: run `silhouette models pull`")
    return 0 if results and all(results) else SOME_FAILED


def _verify(store: ModelStore, card: "ModelCard") -> bool:
    try:
        store.verify(card)
    except (BadWeights, MissingWeights) as error:
        say(str(error))
        return False
    say(f"{card.label}: ok")
    return True

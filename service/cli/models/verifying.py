"""`silhouette models verify`: whether the weights in the store are the pinned ones."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from service.cli.console import say
from service.cli.exit_codes import FAILED
from service.cli.models.configured import configured_store
from service.cli.models.reproducing import reproduces
from service.configuration_errors import BadWeights, MissingWeights
from service.models.store import Checkpoint, ModelStore
from service.settings import Settings, read_settings

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.models.store import ModelCard

Check = Callable[[ModelStore, "ModelCard"], str]
"""Returns what it found to be right. Raises BadWeights or MissingWeights."""


EXAMPLES = """\
examples:
  silhouette models verify
  silhouette models verify u2net --golden
"""


def add_actions(actions: "Commands") -> None:
    verify = actions.add_parser(
        "verify", help="check the weights that were pulled against the pinned sha256", epilog=EXAMPLES
    )
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all that were pulled")
    verify.add_argument(
        "--golden", action="store_true", help="and whether they answer what they did when their cards were written"
    )
    verify.set_defaults(run=verify_models)


def verify_models(chosen: argparse.Namespace) -> int:
    settings, store = read_settings(), configured_store()
    checks: list[Check] = [_check_checksum]
    checks += [partial(_check_golden, settings)] if chosen.golden else []
    cards = [store.card(name) for name in chosen.names or store.names()]
    results = [_verify(store, card, checks) for card in cards if chosen.names or store.is_pulled(card)]
    if not results:
        say("nothing was pulled yet: run `silhouette models pull`")
    return 0 if results and all(results) else FAILED


def _verify(store: ModelStore, card: "ModelCard", checks: "Sequence[Check]") -> bool:
    try:
        found = [check(store, card) for check in checks]
    except (BadWeights, MissingWeights) as error:
        say(str(error))
        return False
    say(f"{card.label}: {', '.join(found)}")
    return True


def _check_checksum(store: ModelStore, card: "ModelCard") -> str:
    store.verify(card)
    return "ok"


def _check_golden(settings: Settings, store: ModelStore, card: "ModelCard") -> str:
    has_one = reproduces(Checkpoint(card, store.weights(card)), store.golden_file(card), settings)
    return "it gives its golden answer" if has_one else "it has no golden answer"

"""`silhouette models pull`: brings weights into the store."""

import argparse
from typing import TYPE_CHECKING

from service.cli.console import download_progress, say
from service.cli.models.configured import configured_store
from service.configuration_errors import ConfigurationError
from service.models.store.card import ONNX
from service.models.store.store import DEFAULT_MODELS, OPTIONAL_MODELS, ModelStore
from service.settings import read_settings

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.models.store import Checkpoint, ModelCard


EXAMPLES = """\
examples:
  silhouette models pull
  silhouette models pull birefnet-lite --accept-licence
"""


def add_actions(actions: "Commands") -> None:
    pull = actions.add_parser(
        "pull",
        help="download, verify and convert weights",
        description="Download weights, verify their sha256 and convert them to safetensors; a no-op when done. "
        "A model that does not see in a photo what its golden answer shows is refused, and nothing of it is kept. "
        f"Without names: {', '.join(DEFAULT_MODELS)}; and {', '.join(OPTIONAL_MODELS)} where its address is reached.",
        epilog=EXAMPLES,
    )
    pull.add_argument("names", nargs="*", metavar="NAME")
    pull.add_argument("--accept-licence", action="store_true", help="of models whose terms are not plainly free")
    pull.set_defaults(run=pull_models)


def pull_models(chosen: argparse.Namespace) -> int:
    store = configured_store()
    for name in chosen.names or DEFAULT_MODELS:
        _agree(store, store.card(name), accepted=chosen.accept_licence)
        _pull(store, store.card(name))
    optional = [] if chosen.names else [name for name in OPTIONAL_MODELS if name in store.names()]
    for name in optional:
        try:
            _pull(store, store.card(name))
        except ConfigurationError as error:
            say(f"{name}: left out, the rest works without it; the reason: {error}")
    return 0


def _agree(store: ModelStore, card: "ModelCard", *, accepted: bool) -> None:
    """Tells what is to be known of a model before it is here. Raises ConfigurationError for terms to be accepted."""
    if store.is_pulled(card):
        return
    if not card.verified:
        say(f"{card.name}: {card.licence}; trained on {card.trained_on}; not verified by us yet, this pull verifies it")
    if card.terms:
        say(f"{card.name}: {card.terms}")
    if card.terms and not accepted:
        raise ConfigurationError(f"{card.name}: read the terms above, and say --accept-licence if you accept them")


def _pull(store: ModelStore, card: "ModelCard") -> None:
    if store.has(card):
        say(f"{card.label}: already there")
        return
    from service.cli.models.reproducing import reproduces

    has_golden, settings = store.golden_file(card).is_file(), read_settings()

    def admit(checkpoint: "Checkpoint") -> None:
        reproduces(checkpoint, store.golden_file(card), settings)

    with download_progress() as progress:
        task = progress.add_task(card.label, total=None)
        store.pull(card, lambda done, total: progress.update(task, completed=done, total=total), admit)
    done = ["pulled", "verified", *([] if card.family == ONNX else ["converted"])]
    say(f"{card.label}: {', '.join(done + (['it gives its golden answer'] if has_golden else []))}")

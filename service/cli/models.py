"""`silhouette models`: what the store has, and how it gets there."""

import argparse
from typing import TYPE_CHECKING

from service.cli import quantize
from service.cli.console import download_progress, say
from service.errors import BadWeights, ConfigurationError, MissingWeights
from service.models.store.store import DEFAULT_MODELS, OPTIONAL_MODELS, ModelStore
from service.settings import read_settings

if TYPE_CHECKING:
    from service.cli.console import Commands
    from service.models.store import ModelCard

SOME_FAILED = 1


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser("models", help="list, pull, verify, show or quantize models", description=__doc__)
    parser.set_defaults(run=parser.show_help)
    actions = parser.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="every model, and whether it was pulled").set_defaults(run=list_models)
    pull = actions.add_parser(
        "pull",
        help="download, verify and convert weights",
        description="Download weights, verify their sha256 and convert them to safetensors; a no-op when done. "
        f"Without names: {', '.join(DEFAULT_MODELS)}; and {', '.join(OPTIONAL_MODELS)} where its address is reached.",
    )
    pull.add_argument("names", nargs="*", metavar="NAME")
    pull.set_defaults(run=pull_models)
    verify = actions.add_parser("verify", help="check the weights that were pulled against the pinned sha256")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all that were pulled")
    verify.set_defaults(run=verify_models)
    quantize.add_command(actions)
    show = actions.add_parser("show", help="everything on a model's card")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=show_model)


def list_models(_: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    store = _store()
    table = Table("model", "what it sees", "head", "licence", "download", "pulled", box=None)
    for name in store.names():
        card = store.card(name)
        megabytes = f"{card.download.size_bytes / 1e6:.1f} MB"
        pulled = "yes" if store.is_pulled(card) else "no"
        table.add_row(card.label, card.title, card.output.head, card.licence, megabytes, pulled)
    Console().print(table)
    return 0


def pull_models(chosen: argparse.Namespace) -> int:
    store = _store()
    for name in chosen.names or DEFAULT_MODELS:
        _pull(store, store.card(name))
    optional = [] if chosen.names else [name for name in OPTIONAL_MODELS if name in store.names()]
    for name in optional:
        try:
            _pull(store, store.card(name))
        except ConfigurationError as error:
            say(f"{name}: left out, the rest works without it; the reason: {error}")
    return 0


def _pull(store: ModelStore, card: "ModelCard") -> None:
    if store.has(card):
        say(f"{card.label}: already there")
        return
    with download_progress() as progress:
        task = progress.add_task(card.label, total=None)
        store.pull(card, lambda done, total: progress.update(task, completed=done, total=total))
    say(f"{card.label}: pulled, verified and converted")


def verify_models(chosen: argparse.Namespace) -> int:
    store = _store()
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


def show_model(chosen: argparse.Namespace) -> int:
    from rich import print_json

    print_json(_store().card(chosen.name).model_dump_json())
    return 0


def _store() -> ModelStore:
    settings = read_settings()
    return ModelStore(settings.model_store, settings.mirror)

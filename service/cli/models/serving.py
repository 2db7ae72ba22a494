"""`silhouette models load`, `unload` and `default`: what a running service has loaded, changed while it runs."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from service.cli.address import add_service_flags, key_headers, service_url
from service.cli.console import say
from service.cli.exit_codes import FAILED

if TYPE_CHECKING:
    from service.cli.console import Commands

PATIENCE_S = 900.0
"""The answer comes when every worker has been replaced, which takes a large model on many workers minutes."""

LOCAL = "http://127.0.0.1:8000"


def add_actions(actions: "Commands") -> None:
    for name, help_, run in (
        ("load", "have a running service load a model, or load it again where it has changed", load_model),
        ("unload", "have a running service unload a model and give its memory back", unload_model),
        ("default", "have a running service take a loaded model where a request names none", choose_default),
    ):
        description = f"{help_[0].upper()}{help_[1:]}. {NOTHING_IS_LOST}"
        action = actions.add_parser(name, help=help_, description=description, epilog=EXAMPLES.format(name=name))
        action.add_argument("name", metavar="NAME")
        add_service_flags(action, "the service (default: %(default)s)", LOCAL)
        action.set_defaults(run=run)


EXAMPLES = """\
examples:
  silhouette models {name} isnet
  SILHOUETTE_API_KEY=... silhouette models {name} isnet --url https://pictures.example.org
"""

NOTHING_IS_LOST = (
    "Requests go on meanwhile; what cannot be done changes nothing. Where the service has keys, it takes one with the "
    "scope admin; while it has none, only its own machine may ask."
)


def load_model(chosen: argparse.Namespace) -> int:
    return _ask(chosen, "POST", f"/models/{chosen.name}", "loaded")


def unload_model(chosen: argparse.Namespace) -> int:
    return _ask(chosen, "DELETE", f"/models/{chosen.name}", "unloaded")


def choose_default(chosen: argparse.Namespace) -> int:
    return _ask(chosen, "PUT", f"/models/{chosen.name}/default", "is the default model")


def _ask(chosen: argparse.Namespace, method: str, path: str, done: str) -> int:
    """The exit code: 1 where the service refuses, or is not there."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.parse import quote
    from urllib.request import Request, urlopen

    url = service_url(chosen.url)
    request = Request(f"{url}{quote(path)}", method=method, headers=dict(key_headers(chosen.api_key)))
    try:
        with urlopen(request, timeout=PATIENCE_S) as answer:
            told = json.loads(answer.read() or b"{}")
    except HTTPError as refusal:
        say(f"silhouette: {_reason(refusal.read()) or f'{url} answers {refusal.code}'}")
        return FAILED
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        say(f"silhouette: {url} is away: {reason}; `silhouette serve` starts a service, and --url names another one")
        return FAILED
    say(f"{_label(told) or chosen.name}: {done}")
    return 0


def _reason(body: bytes) -> str | None:
    """What a problem document says; None where it is none."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(detail)


def _label(told: dict[str, Any]) -> str | None:
    return f"{told['name']}@{told['version']}" if {"name", "version"} <= told.keys() else None

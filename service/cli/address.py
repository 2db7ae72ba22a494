"""Where a running service is, the key to it, and a line to it: `--url` and `--api-key`."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from service.configuration_errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from httpx2 import AsyncClient, Response

KEY_VARIABLE = "SILHOUETTE_API_KEY"

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 10.0, 300.0


def add_service_flags(flags: "_ActionsContainer", url_help: str, default_url: str | None = None) -> None:
    flags.add_argument("--url", default=default_url, metavar="URL", help=url_help)
    flags.add_argument(
        "--api-key",
        metavar="KEY",
        help=f"where the service asks for one. Others on this machine can see it here; not so in {KEY_VARIABLE}.",
    )


def key_headers(api_key: str | None) -> Mapping[str, str]:
    """For every request to the service."""
    key = api_key or os.environ.get(KEY_VARIABLE)
    return {"X-Api-Key": key} if key else {}


def service_url(url: str) -> str:
    """Without the slash at its end. Raises ConfigurationError."""
    try:
        parsed = urlsplit(url)
        _ = parsed.port  # raises where it is no number
    except ValueError as error:
        raise ConfigurationError(f"--url: {error}, but it is {url!r}") from error
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise ConfigurationError(f"--url: looks like http://127.0.0.1:8000, but it is {url!r}")
    return url.rstrip("/")


def client_with(headers: Mapping[str, str], url: str = "") -> "AsyncClient":
    """For requests to a service, below `url` where it is known already. Raises MissingExtra."""
    try:
        from httpx2 import AsyncClient, Timeout
    except ImportError as error:  # the container image serves without
        raise MissingExtra("--url needs an HTTP client: pip install httpx2") from error
    return AsyncClient(base_url=url, headers=headers, timeout=Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S))


def json_of(response: "Response") -> Any:
    """None where the body is no JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def problem_in(response: "Response") -> dict[str, Any]:
    """The problem document; nothing where there is none."""
    document = json_of(response)
    return document if isinstance(document, dict) else {}

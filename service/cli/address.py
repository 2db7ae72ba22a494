"""Where a running service is, and the key to it: `--url` and `--api-key`."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service.configuration_errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import _ActionsContainer

KEY_VARIABLE = "SILHOUETTE_API_KEY"


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

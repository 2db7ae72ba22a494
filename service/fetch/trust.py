"""Whose certificates are believed."""

import ssl
from pathlib import Path

import httpcore2

from service.configuration_errors import ConfigurationError


def believing(ca_file: Path | None) -> ssl.SSLContext:
    """The authorities of the system, and those of a file. Raises ConfigurationError where it cannot be read."""
    context = httpcore2.default_ssl_context()
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:  # ssl.SSLError is one: no certificates
        raise ConfigurationError(f"SILHOUETTE_FETCH_CA_FILE: {ca_file}: {error.strerror or error}") from error
    return context

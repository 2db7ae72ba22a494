"""Tells a server of the operator's choice that something has ended. No redirects, no other server, no cookies.

Source of the headers and the signature: https://www.standardwebhooks.com.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
from ipaddress import ip_network

from service.configuration_errors import ConfigurationError
from service.errors import FetchFailed, UrlRefused
from service.fetch.addresses import Network
from service.fetch.network import GuardedNetwork
from service.fetch.outgoing import Connector
from service.fetch.target import Target
from service.fetch.trust import believing
from service.settings import Settings

TIMEOUT_S = 10.0
"""For each step of a delivery: to connect, to send, to be answered."""

SECRET_PREFIX = "whsec_"


class Webhooks:
    """One for the whole service. For the event loop alone."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError where the secret is none, or the file of authorities cannot be read."""
        self._origins = settings.webhook_origins
        self._secret = _secret(settings)
        private = [ip_network(each) for each in settings.fetch_private]
        network = GuardedNetwork([*private, *_named_addresses(self._origins)])
        tls = believing(settings.fetch_ca_file) if self._origins else None
        self._connector = Connector(network, tls, dict.fromkeys(("connect", "read", "write"), TIMEOUT_S))

    @property
    def is_on(self) -> bool:
        return bool(self._origins)

    def check(self, url: str) -> None:
        """Raises UrlRefused for a server that the operator has not named."""
        if Target.parse(url).origin not in self._origins:
            raise UrlRefused("webhooks do not go there; SILHOUETTE_WEBHOOK_ORIGINS can allow it")

    async def post(self, url: str, id_: str, timestamp_s: int, body: bytes, traceparent: str = "") -> None:
        """Returns once it was heard: 2xx. `traceparent` is sent where there is one.

        Raises UrlRefused or FetchFailed.
        """
        self.check(url)
        target = Target.parse(url)
        headers = {**self._headers(id_, timestamp_s, body), **({"traceparent": traceparent} if traceparent else {})}
        async with self._connector.asking("POST", target, headers, body) as answer:
            if not 200 <= answer.status < 300:
                raise FetchFailed(f"{target.host} answered with status {answer.status}")

    def _headers(self, id_: str, timestamp_s: int, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": signature(self._secret, id_, timestamp_s, body),
        }


def signature(secret: bytes, id_: str, timestamp_s: int, body: bytes) -> str:
    """HMAC with SHA-256 of id, time and body, so that neither can be exchanged."""
    signed = f"{id_}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _secret(settings: Settings) -> bytes:
    """Raises ConfigurationError."""
    if settings.webhook_secret is None:
        return b""
    text = settings.webhook_secret.get_secret_value().removeprefix(SECRET_PREFIX)
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"SILHOUETTE_WEBHOOK_SECRET is {SECRET_PREFIX} and base64") from error
    if not 24 <= len(secret) <= 64:
        raise ConfigurationError("SILHOUETTE_WEBHOOK_SECRET has 24 to 64 bytes, as base64")
    return secret


def _named_addresses(origins: tuple[str, ...]) -> list[Network]:
    """Those that the operator has named as such: private ones are meant, too."""
    found: list[Network] = []
    for origin in origins:
        try:
            found.append(ip_network(ipaddress.ip_address(Target.parse(origin).host)))
        except ValueError:
            continue  # a name
    return found

"""Who asks for a job: whose it will be, what the caller calls the request, and where its end is to be told."""

from dataclasses import dataclass
from typing import Self

from fastapi import Request

from service.api.exchange import exchange_of
from service.api.idempotency import key_in
from service.api.state import Service


@dataclass(frozen=True)
class Asker:
    """As far as the headers say."""

    owner: str
    """The name of the caller's key; empty where the service has no keys."""
    key: str | None
    """Its `Idempotency-Key`."""
    webhook: str | None
    """A URL that hears of the end."""

    @classmethod
    def of(cls, request: Request, service: Service) -> Self:
        """Raises BadOption for a key that is none, UrlRefused for a server that the operator has not named."""
        webhook = request.headers.get("x-webhook-url")
        if webhook is not None:
            service.webhooks.check(webhook)
        return cls(owner_of(request), key_in(request.headers), webhook)


def owner_of(request: Request) -> str:
    """The name of the caller's key; empty where the service has no keys."""
    allowance = exchange_of(request).allowance
    return "" if allowance is None else allowance.key.name

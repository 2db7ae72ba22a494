"""Whether a caller may do what it asks for: finds its key, its scope and what is left of its quotas."""

import base64
import binascii
from collections.abc import Mapping

from service.access.keyring import Keyring
from service.access.ledger import Ledger
from service.access.quotas import Allowance, Quotas
from service.errors import MissingKey, ScopeMissing, UnknownKey

ANY = "any"
"""In place of a scope: what each key may do."""


class Guard:
    """One for the whole service. Without a keyring everybody may do everything, but for what takes the scope `admin`:
    that only this machine may.
    """

    def __init__(self, keyring: Keyring | None, ledger: Ledger | None = None) -> None:
        """`ledger` is where other processes count quotas as well."""
        self._keyring = keyring
        self._quotas = Quotas(ledger=ledger)

    def check(self, headers: Mapping[str, str], scope: str, *, is_local: bool = False) -> Allowance | None:
        """What the caller may use; None where there are no keys. `headers` by their names in lower case.

        Raises MissingKey, UnknownKey or ScopeMissing.
        """
        if self._keyring is None:
            if scope == "admin" and not is_local:
                raise MissingKey(
                    "without keys this can be asked from the service's own machine only: `silhouette keys` makes one"
                )
            return None
        sent = key_in(headers)
        if sent is None:
            raise MissingKey("send a key as `X-Api-Key: ...` or `Authorization: Bearer ...`")
        key = self._keyring.find(sent)
        if key is None:
            raise UnknownKey
        if scope != ANY and scope not in key.scopes:
            raise ScopeMissing(f"the key {key.name!r} is good for {', '.join(sorted(key.scopes))}, not for {scope}")
        return self._quotas.of(key)

    def allowance_of(self, name: str) -> Allowance | None:
        """Of the key of that name, for work that outlives its request; None where there is no such key any more."""
        key = None if self._keyring is None else self._keyring.named(name)
        return None if key is None else self._quotas.of(key)


def key_in(headers: Mapping[str, str]) -> str | None:
    """From `X-Api-Key`, `Authorization: Bearer`, or as some tools send it: `Token`, `Authorization: Token`, or the
    password of `Authorization: Basic`.
    """
    if key := headers.get("x-api-key", "").strip() or headers.get("token", "").strip():
        return key
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer" | "token":
            return credentials.strip() or None
        case "basic":
            return _password(credentials.strip())
    return None


def _password(credentials: str) -> str | None:
    """Where there is no password, the user's name is taken: some tools have one field only."""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or user or None

"""`Idempotency-Key`: a caller that asks again, not knowing whether it was heard, does not have the work done twice.

Source: draft-ietf-httpapi-idempotency-key-header. The same key with the same request gets the job that is there; with
another request 422; while the first one is being read 409. Keys are their owner's, and go with their job.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from starlette.datastructures import Headers

from service.errors import BadOption, RequestInProgress
from service.jobs import IdempotencyKey

KEY = re.compile(r'"?([!#-\[\]-~ ]{1,255})"?')
"""A string of Structured Fields (RFC 9651), or what is in it: many clients leave the quotes out."""


def key_in(headers: Headers) -> str | None:
    """Raises BadOption where it is no key."""
    given = headers.get("idempotency-key")
    if given is None:
        return None
    match = KEY.fullmatch(given.strip())
    if match is None:
        raise BadOption("Idempotency-Key is a string of at most 255 characters of ASCII")
    return match[1]


class KeysInProgress:
    """Of requests that are being read. One for the whole service, for the event loop alone."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    @contextlib.contextmanager
    def using(self, owner: str, key: str | None) -> Iterator[None]:
        """Raises RequestInProgress where another request with this key is being read."""
        if key is None:
            yield
            return
        if (owner, key) in self._keys:
            raise RequestInProgress(f"a request with the key {key!r} is being read")
        self._keys.add((owner, key))
        try:
            yield
        finally:
            self._keys.discard((owner, key))


def promise(key: str | None, parts: Iterable[str | bytes | Path]) -> IdempotencyKey | None:
    """The key with the fingerprint of all that is asked for; a path stands for the content of its file.

    Megabytes of it are no work for an event loop.
    """
    if key is None:
        return None
    total = hashlib.sha256()
    for part in parts:
        total.update(_digest(part))
    return IdempotencyKey(key, total.hexdigest())


def _digest(part: str | bytes | Path) -> bytes:
    """Of one part alone, so that no two lists of parts run together into the same bytes."""
    if isinstance(part, Path):
        with part.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(part.encode() if isinstance(part, str) else part).digest()

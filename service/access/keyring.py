"""The file of keys: one line a key, of which only the hash is kept.

    # name  scopes                 requests/min  megapixels/min  sha256 of the key
    shop    images                 60            500             9f86d081884c7d659a2feaa0c55ad015...
    meet    images,stream          -             -               60303ae22b998861bce3b28f33eec1be...

A key is 32 random bytes, so one round of SHA-256 is as good as many: there is nothing to guess.
"""

import hashlib
import hmac
import logging
import re
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from service.configuration_errors import ConfigurationError
from service.telemetry.log import FIELDS

logger = logging.getLogger(__name__)

SCOPES = ("images", "videos", "stream", "metrics", "admin")
"""What a key can be good for: the operations and the list of models, films and their jobs, live sessions, `/metrics`,
and what is served."""

PREFIX = "sil_"
"""In front of each key, so that who finds one knows whose it is."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NO_LIMIT = "-"
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Key:
    """What is known of a key; never the key itself."""

    name: str
    scopes: frozenset[str]
    requests_per_minute: float | None
    megapixels_per_minute: float | None
    """None is no limit."""
    sha256: str

    @classmethod
    def parse(cls, line: str) -> Self:
        """Raises ValueError, which says what is wrong with the line."""
        fields = line.split()
        if len(fields) != 5:
            raise ValueError(f"a line has a name, scopes, two quotas and a hash, not {len(fields)} words")
        name, scopes, requests, megapixels, digest = fields
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError("the last word is no SHA-256 in hexadecimal")
        return cls(check_name(name), check_scopes(scopes.split(",")), _quota(requests), _quota(megapixels), digest)

    def line(self) -> str:
        quotas = (_told(self.requests_per_minute), _told(self.megapixels_per_minute))
        return " ".join((self.name, ",".join(sorted(self.scopes)), *quotas, self.sha256))


def check_name(name: str) -> str:
    """Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: letters, digits, `.`, `_` and `-`, at most 64")
    return name


def check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Raises ValueError."""
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise ValueError(f"there is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}")
    return frozenset(scopes)


def _quota(text: str) -> float | None:
    if text == NO_LIMIT:
        return None
    quota = float(text)
    if not 0 < quota < float("inf"):
        raise ValueError(f"{text!r} is no quota: a number above 0, or `{NO_LIMIT}` for none")
    return quota


def _told(quota: float | None) -> str:
    return NO_LIMIT if quota is None else f"{quota:g}"


def new_key() -> str:
    """A key that nobody has; it can be shown once, as nothing but its hash is kept."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def read_keys(path: Path) -> list[Key]:
    """Raises ConfigurationError, naming the line, or where there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    keys: list[Key] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            keys.append(Key.parse(line))
        except ValueError as error:
            raise ConfigurationError(f"{path}, line {number}: {error}") from error
    if len({key.name for key in keys}) < len(keys):
        raise ConfigurationError(f"{path}: two keys have one name")
    return keys


def write_keys(path: Path, keys: Sequence[Key]) -> None:
    """All at once, readable by its owner alone: a service that reads it meanwhile sees the old file or the new one.

    Raises ConfigurationError where it cannot be written, and leaves the old one.
    """
    head = "# name scopes requests/min megapixels/min sha256; see `silhouette keys --help`\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".silhouette-keys-") as folder:
            written = Path(folder) / path.name
            written.touch(OWNER_ONLY)
            written.write_text(head + "".join(f"{key.line()}\n" for key in keys), encoding="utf-8")
            written.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


class Keyring:
    """The keys of a file, which is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError where the file is missing or wrong."""
        self._path = path
        self._seen = self._stamp()
        self._keys = read_keys(path)

    def find(self, key: str) -> Key | None:
        """The entry of a key that a caller has sent. Takes as long for a wrong key as for a right one."""
        self._read_again()
        digest = hash_of(key)
        found = [entry for entry in self._keys if hmac.compare_digest(entry.sha256, digest)]
        return found[0] if found else None

    def named(self, name: str) -> Key | None:
        """The entry of that name."""
        self._read_again()
        return next((entry for entry in self._keys if entry.name == name), None)

    def _read_again(self) -> None:
        """A file that became wrong is told in the log, and what it said before holds."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._keys = read_keys(self._path)
        except ConfigurationError as error:
            logger.error("keys not read again", extra={FIELDS: {"cause": str(error)}})
            return
        logger.info("keys read again", extra={FIELDS: {"keys": len(self._keys)}})

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

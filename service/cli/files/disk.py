"""Reads photos whole, and writes results so that none is ever seen half written."""

import errno
import os
import sys
import threading
from pathlib import Path

from service.cli.files.report import PhotoFailed, Stopped
from service.configuration_errors import ConfigurationError

MAX_FILE_BYTES = 1 << 30
"""64 megapixels of four 32-bit channels, the largest picture that is read. What is larger would only take memory."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def read_file(path: Path) -> bytes:
    """Raises PhotoFailed."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PhotoFailed("too_many_bytes", f"larger than {MAX_FILE_BYTES >> 20} MiB, so no picture that we read")
        return not_empty(path.read_bytes())
    except OSError as error:
        raise PhotoFailed("unreadable_file", error.strerror or str(error)) from error


def read_standard_input() -> bytes:
    """To its end. What is too large is cut off there, and fails as a picture."""
    return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)


def not_empty(content: bytes) -> bytes:
    """Raises PhotoFailed."""
    if not content:
        raise PhotoFailed("missing_image", "it is empty")
    return content


def write_result(target: Path | None, result: bytes) -> None:
    """To standard output where `target` is None. Raises PhotoFailed, or Stopped where no other would fare better."""
    try:
        if target is None:
            with open(sys.stdout.fileno(), "wb", closefd=False) as out:
                out.write(result)
        else:
            write_whole(target, result)
    except OSError as error:
        reason = f"{target or 'standard output'}: {error.strerror or error}"
        if error.errno in NO_ROOM:
            raise Stopped(reason) from error
        raise PhotoFailed("unwritable_file", reason) from error


def write_whole(path: Path, content: bytes) -> None:
    """The file has its name only once it is whole, whoever is killed meanwhile. Raises OSError."""
    if path.exists() and not path.is_file():  # a device or a pipe must not be replaced by a file
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".silhouette-{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_named_picture(name: str | None) -> bytes | None:
    """What a flag names, if it was given. Raises ConfigurationError."""
    try:
        return None if name is None else Path(name).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{name}: {error.strerror or error}") from error

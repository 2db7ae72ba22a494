"""`Range` of a request for a file. What is no range of bytes is passed over (RFC 9110, 14.2): Starlette refuses it, in
plain text."""

import re

from starlette.types import Scope

RANGES = re.compile(rb"bytes=[ \t,]*(\d+-\d*|-\d+)([ \t]*,[ \t]*(\d+-\d*|-\d+)?)*", re.IGNORECASE)

BACKWARDS = re.compile(rb"(\d+)-(\d+)")


def pass_over_bad_range(scope: Scope) -> None:
    """Takes it from the headers, so that all of the file is the answer."""
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range" or _is_range(value)]


def _is_range(value: bytes) -> bool:
    if RANGES.fullmatch(value) is None:
        return False
    return all(int(first) <= int(last) for first, last in BACKWARDS.findall(value))

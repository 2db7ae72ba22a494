"""`Range` of a request for a file, where Starlette answers in plain text.

What is no range of bytes is passed over (RFC 9110, 14.2); one behind the file's end is refused in our words.
"""

import re
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

from service.errors import RangeNotSatisfiable

RANGES = re.compile(rb"bytes=[ \t,]*(\d+-\d*|-\d+)([ \t]*,[ \t]*(\d+-\d*|-\d+)?)*", re.IGNORECASE)

BACKWARDS = re.compile(rb"(\d+)-(\d+)")


def pass_over_bad_range(scope: Scope) -> None:
    """Takes it from the headers, so that all of the file is the answer."""
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range" or _is_range(value)]


def refusing_ranges(send: Send) -> Send:
    """`send` for an answer from a file. It raises RangeNotSatisfiable in the place of Starlette's 416."""

    async def worded(message: Message) -> None:
        if message.get("status") == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            size_bytes = int(Headers(raw=message["headers"])["Content-Range"].removeprefix("bytes */"))
            raise RangeNotSatisfiable(f"it has {size_bytes} bytes", size_bytes)
        await send(message)

    return worded


def _is_range(value: bytes) -> bool:
    if RANGES.fullmatch(value) is None:
        return False
    return all(int(first) <= int(last) for first, last in BACKWARDS.findall(value))

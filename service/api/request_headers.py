"""What the headers of a request say of it as a whole: its id, its trace, its deadline, its urgency, its length."""

import math
import re
import uuid

from starlette.datastructures import Headers

from service.errors import BadOption, UnsupportedBody
from service.queue.schedule import Lane

SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace_id>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
URGENCY = re.compile(r"(?:^|,)\s*u=(?P<urgency>[0-7])\b")

TIMEOUT_MS = re.compile(r"[1-9][0-9]{0,8}")

MULTIPART = "multipart/form-data"

DEFAULT_URGENCY = 3
"""Of RFC 9218; a request that says it is less urgent goes to the bulk lane."""


def choose_request_id(headers: Headers) -> str:
    """The caller's own, where it cannot break a log line or a header."""
    given = headers.get("x-request-id", "")
    return given if SAFE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def trace_id(headers: Headers) -> str | None:
    """From W3C Trace Context's `traceparent`."""
    trace = TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return trace["trace_id"] if trace else None


def timeout_s(headers: Headers) -> float:
    """How long the caller waits, as `X-Request-Timeout-Ms` says; infinite where it says nothing. Raises BadOption."""
    given = headers.get("x-request-timeout-ms")
    if given is None:
        return math.inf
    if not TIMEOUT_MS.fullmatch(given):
        raise BadOption(f"X-Request-Timeout-Ms is a number of milliseconds, not {given!r}")
    return int(given) / 1000


def lane(headers: Headers) -> Lane:
    """From the urgency in the `Priority` header (RFC 9218), 0 to 7; what is no such header says nothing."""
    match = URGENCY.search(headers.get("priority", ""))
    urgency = int(match["urgency"]) if match else DEFAULT_URGENCY
    return Lane.BULK if urgency > DEFAULT_URGENCY else Lane.INTERACTIVE


def prefers_async(headers: Headers) -> bool:
    """Whether the caller would rather come back for the result (RFC 7240, 4.1)."""
    preferences = ",".join(headers.getlist("prefer")).split(",")
    return any(preference.partition(";")[0].strip().lower() == "respond-async" for preference in preferences)


def check_encoding(headers: Headers) -> None:
    """Pictures are compressed already. Raises UnsupportedBody for a body that is once more."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedBody(f"Content-Encoding: {encoding} is not read; send the body as it is")


def media_type_of(headers: Headers) -> str:
    """Of the body, in lower case, without its parameters; empty where the headers do not say."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def announced_bytes(headers: Headers) -> int:
    """How long the body will be; 0 where the headers do not say."""
    announced = headers.get("content-length", "")
    # What is longer than 18 digits is no length that anybody has: it counts as far too long.
    return int(announced[:18]) if announced.isdecimal() else 0


def announces_body(headers: Headers) -> bool:
    """RFC 9112, 6.3: a request of HTTP/1.1 has a body where one of these is there."""
    return "transfer-encoding" in headers or announced_bytes(headers) > 0


def expects_continue(headers: Headers) -> bool:
    """Whether the client waits to be asked for the body (RFC 9110, 10.1.1)."""
    return headers.get("expect", "").lower() == "100-continue"

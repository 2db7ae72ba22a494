"""The pipe between the service and a worker: short messages in JSON. Nothing of a request is ever pickled.

Requests are numbered and each reply carries its request's number, so that nobody gets the reply to an earlier one, not
even after whoever asked for that has given up on it.
"""

import json
import math
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

Message = dict[str, Any]

GREETING = 0
"""The number of what a worker says first, unasked: that it is ready, or why not."""


class WorkerSilent(Exception):
    """There was no reply in time."""


class WorkerConfused(Exception):
    """What the worker sent is no message, or the reply to something that nobody has asked."""


class Caller:
    """The service's end: one request at a time, and its reply."""

    def __init__(self, connection: "Connection[Any, Any]") -> None:
        self._connection = connection
        self._number = GREETING
        self.beside: Sequence[Caller] = ()
        """Others that ask the same process, which does one thing after the other."""
        self.heard_at = -math.inf
        """When the last reply came; by time.monotonic()."""

    def ask(self, **request: Any) -> None:
        """Raises OSError where the worker is gone."""
        self._number += 1
        send(self._connection, self._number, **request)

    def reply(self, timeout_s: float) -> Message:
        """To what was asked last; the greeting where nothing was asked yet. Blocks.

        Raises WorkerSilent where nothing was heard for `timeout_s`, here or by those beside, WorkerConfused, and
        EOFError or OSError where the worker is gone, or another thread has closed this end.
        """
        asked_at = time.monotonic()
        while True:
            left_s = self.gives_up_at(asked_at, timeout_s) - time.monotonic()
            if self._connection.poll(max(0.0, left_s)):
                number, message = receive(self._connection)
                if number > self._number:
                    raise WorkerConfused(f"a reply to request {number}, and the last was {self._number}")
                if number == self._number:
                    self.heard_at = time.monotonic()
                    return message
            elif left_s <= 0:
                raise WorkerSilent

    def gives_up_at(self, asked_at: float, timeout_s: float) -> float:
        """The process may have begun with what was asked here only when it had replied to those beside."""
        return max([asked_at, *(other.heard_at for other in self.beside)]) + timeout_s

    def close(self) -> None:
        self._connection.close()


def send(connection: "Connection[Any, Any]", number: int, **message: Any) -> None:
    connection.send_bytes(json.dumps([number, message]).encode())


def receive(connection: "Connection[Any, Any]") -> tuple[int, Message]:
    """Its number, and what it says. Blocks. Raises EOFError when the other side is gone, and WorkerConfused."""
    try:
        raw = connection.recv_bytes()
    except TypeError as error:  # another thread has closed this end in the middle of it: None is no file
        raise EOFError from error
    try:
        number, message = json.loads(raw)
        return int(number), dict(message)
    except (ValueError, TypeError) as error:
        raise WorkerConfused(f"{len(raw)} bytes that are no message") from error

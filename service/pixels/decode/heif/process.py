"""The service's side of the processes that decode HEIC: starts, asks, and kills what is silent. Knows no colours."""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHILD = Path(__file__).with_name("child.py")
ENVIRONMENT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What a Python needs to start. Nothing else is given: settings may hold secrets."""

TIMEOUT_S = 120.0
"""A process that is longer silent is killed. For what it computes it has a limit of its own."""
MAX_LINE_BYTES = 1 << 16


class NoAnswer(Exception):
    """The process died of the picture, took too long over it, or says what makes no sense."""


class Refused(Exception):
    """libheif does not read the picture; the message is its own."""


@dataclass(frozen=True)
class Decoded:
    """What the process says of a picture. Everything in it is as little to be trusted as the file."""

    size: tuple[int, int]
    mode: str
    bits: int
    frames: int
    stride: int
    profile: bytes
    pixels: bytes


class HeifProcess:
    """One of them, for one picture."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl-C is for the service, which ends this by closing its input
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, encoded: bytes, *, deep: bool, max_bytes: int) -> Decoded:
        """`deep`: in 16 bits where there are more than 8. Raises Refused or NoAnswer."""
        watchdog = threading.Timer(self._timeout_s, self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._ask(encoded, deep, max_bytes)
        except (OSError, ValueError, KeyError, TypeError) as error:  # JSONDecodeError is a ValueError
            raise NoAnswer from error
        finally:
            watchdog.cancel()

    def _ask(self, encoded: bytes, deep: bool, max_bytes: int) -> Decoded:
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        questions.write(json.dumps({"bytes": len(encoded), "deep": deep}).encode() + b"\n")
        questions.write(encoded)
        questions.flush()
        said = json.loads(answers.readline(MAX_LINE_BYTES))
        if "failure" in said:
            raise Refused(str(said["failure"]))
        width, height = map(int, said["size"])
        profile, pixels = (_read(answers, int(said[part]), max_bytes) for part in ("profile", "pixels"))
        bits, frames, stride = (int(said[name]) for name in ("bits", "frames", "stride"))
        return Decoded((width, height), str(said["mode"]), bits, frames, stride, profile, pixels)

    def end(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not written yet has nowhere to go
                if stream:
                    stream.close()
        self._process.wait()


def _read(answers: IO[bytes], count: int, max_bytes: int) -> bytes:
    """Raises ValueError where it is not all there, or more than anybody needs."""
    content = answers.read(count) if 0 <= count <= max_bytes else b""
    if len(content) != count:
        raise ValueError(count)
    return content


def decode_heif(encoded: bytes, *, deep: bool, max_bytes: int) -> Decoded:
    """By a process of its own. Raises Refused or NoAnswer."""
    process = _taken()
    try:
        return process.ask(encoded, deep=deep, max_bytes=max_bytes)
    finally:
        process.end()


_spare: list[HeifProcess] = []
"""At most one, started when the last was taken: it takes 0.2 s, and 30 MB while it waits."""
_lock = threading.Lock()


def _taken() -> HeifProcess:
    with _lock:
        process = _spare.pop() if _spare else HeifProcess()
        if not process.is_alive:  # killed while it waited
            process.end()
            process = HeifProcess()
        _spare.append(HeifProcess())
    return process


@atexit.register
def end_spare_process() -> None:
    """Otherwise Python warns of a process that outlives its handle."""
    with _lock:
        while _spare:
            _spare.pop().end()

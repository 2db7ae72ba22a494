"""A real Redis, where this machine has one."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

PATIENCE_S = 60.0


def redis_program() -> str | None:
    """Where it is, if this machine has it."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """Debian's, on a socket of its own."""

    def __init__(self, folder: Path, *, is_lasting: bool = False) -> None:
        """A lasting one has what it had when it is started again."""
        program = redis_program()
        if program is None:
            pytest.skip("there is no redis-server: apt-get install redis-server")
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._command = [program, "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir", str(folder)]
        self._command += ["--appendonly", "yes", "--appendfsync", "always"] if is_lasting else []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._socket.unlink(missing_ok=True)
            self._process = None

    def until_there(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < until
            time.sleep(0.01)  # polls: another process' socket has no event

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(os.fspath(self._socket)) == 0

    def ask(self, *command: str) -> Any:
        """What `redis-cli` would say."""
        from redis import Redis

        with Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*command)

    @property
    def secret_url(self) -> SecretStr:
        return SecretStr(self.url)


@contextlib.contextmanager
def running_redis(folder: Path, *, is_lasting: bool = False) -> Iterator[RedisServer]:
    """It answers."""
    server = RedisServer(folder, is_lasting=is_lasting)
    server.start()
    try:
        server.until_there()
        yield server
    finally:
        server.stop()

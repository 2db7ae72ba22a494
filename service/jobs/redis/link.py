"""A Redis that may be away: whoever asks is told so, at once where it was so a moment ago."""

import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from service.configuration_errors import MissingExtra
from service.errors import JobsAway, StorageFull
from service.settings.shared import address_of
from service.telemetry.log import FIELDS

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PREFIX = "silhouette:{jobs}:"
"""Of all keys. What is in braces makes a cluster keep them on one node, where scripts need them."""

SCRIPTS = Path(__file__).with_name("scripts")

CONNECT_TIMEOUT_S = 2.0
TIMEOUT_S = 10.0
"""Of one answer: 128 MB, and a script that waits for others with as much."""

RETRY_S = 1.0
"""Nobody asks in the meantime, once it was away."""

RETRY_AFTER_S = 5
"""What callers are told."""


class RedisLink:
    """Threads may share it."""

    def __init__(self, url: SecretStr, clock: Callable[[], float] | None) -> None:
        """Times are Redis' own, unless a test brings a clock. Raises MissingExtra without the extra `shared`."""
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise MissingExtra.of("shared", "SILHOUETTE_JOBS=redis", "redis") from error
        self._client = Redis.from_url(
            address_of(url),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # what was not heard may have been done
        )
        self._clock = clock
        self._away_until = 0.0
        self.trouble: str | None = None

    def close(self) -> None:
        self._client.close()

    def run(self, script: str, *values: Any) -> Any:
        """What a script of `scripts/` says, given the moment and the values. Raises JobsAway or StorageFull."""
        moment = "" if self._clock is None else self._clock()
        return self.ask(lambda _: self._scripts[script](keys=[f"{PREFIX}counts"], args=[moment, *values]))

    def ask(self, question: "Callable[[Redis], Answer]") -> Answer:
        """Raises JobsAway, or StorageFull where it has no memory left."""
        from redis.exceptions import OutOfMemoryError, RedisError

        if time.monotonic() < self._away_until:
            raise self._away()
        try:
            answer = question(self._client)
        except OutOfMemoryError as error:
            raise StorageFull("Redis, which has the jobs, has no memory left") from error
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + RETRY_S
            cause = str(error) or type(error).__name__
            if self.trouble is None:
                logger.warning("jobs away", extra={FIELDS: {"cause": cause}})
            self.trouble = f"Redis, which has the jobs, cannot be asked: {cause}"
            raise self._away() from error
        if self.trouble is not None:
            self.trouble = None
            logger.info("jobs back")
        return answer

    def check_memory(self) -> None:
        """Tells the operator where Redis throws jobs away when its memory is full."""
        memory = self.ask(_memory)
        policy = str(memory.get("maxmemory_policy", ""))
        if policy.startswith("allkeys") and memory.get("maxmemory"):
            logger.warning("redis throws jobs away when it is full", extra={FIELDS: {"maxmemory_policy": policy}})

    def _away(self) -> JobsAway:
        return JobsAway("the Redis that keeps jobs cannot be reached; pictures are answered as ever", RETRY_AFTER_S)

    @cached_property
    def _scripts(self) -> "dict[str, Script]":
        """By name. Redis is sent each of them once, and again where it has forgotten them."""
        common = (SCRIPTS / "common.lua").read_text(encoding="utf-8")
        return {
            path.stem: self._client.register_script(common + path.read_text(encoding="utf-8"))
            for path in SCRIPTS.glob("*.lua")
            if path.stem != "common"
        }


def _memory(redis: "Redis") -> Mapping[str, Any]:
    told: Mapping[str, Any] = redis.info("memory")
    return told

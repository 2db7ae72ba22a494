"""A Redis or Valkey that may be away: nobody waits for it for long, and no request fails for want of it."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from service.access.ledger import Draw, Drawn, LedgerAway
from service.configuration_errors import MissingExtra
from service.settings.shared import address_of
from service.telemetry.log import FIELDS

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

TIMEOUT_S = 0.5
"""On a local network an answer takes less than a millisecond, and one of some megabytes some 20."""

RETRY_S = 5.0
"""Nobody asks in the meantime, once it was away."""

PREFIX = "silhouette"

ANSWER_LIFE_S = 3600
"""Answers that are asked for stay; how much there is room for is what Redis' own `maxmemory` says."""

DRAW = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local owed, granted, longest_s = ARGV[1] == '1', 1, 0
local left = {}
for i = 2, #ARGV, 4 do
  local per_minute, needed = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 3])
  local known = redis.call('HMGET', KEYS[1], ARGV[i], ARGV[i] .. '@')
  local level = per_minute
  if known[1] then
    level = math.min(per_minute, tonumber(known[1]) + math.max(0, now - tonumber(known[2])) * per_minute / 60)
  end
  if not owed and level < needed then granted = 0 end
  left[i] = level
end
local told = {granted}
for i = 2, #ARGV, 4 do
  local per_minute = tonumber(ARGV[i + 1])
  if granted == 1 then left[i] = left[i] - tonumber(ARGV[i + 2]) end
  redis.call('HSET', KEYS[1], ARGV[i], string.format('%.9f', left[i]), ARGV[i] .. '@', string.format('%.6f', now))
  longest_s = math.max(longest_s, (per_minute - left[i]) * 60 / per_minute)
  told[#told + 1] = string.format('%.9f', left[i])
end
redis.call('EXPIRE', KEYS[1], math.ceil(longest_s) + 60)
return told
"""
"""`LocalLedger.draw` in one step, by Redis' own clock. ARGV: 1 where it is owed, and of each unit its name, tokens a
minute, tokens to take, and tokens that must be left. A key is forgotten when its buckets have long been full."""


def shared_store(url: SecretStr | None) -> "SharedStore | None":
    """None without an address. Raises MissingExtra without the extra `shared`."""
    if url is None:
        return None
    try:
        from redis.asyncio import Redis
    except ImportError as error:
        raise MissingExtra.of("shared", "SILHOUETTE_SHARED_URL", "redis") from error
    client = Redis.from_url(address_of(url), socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    return SharedStore(client)


class SharedStore:
    """Lives on one event loop. It is also the ledger of quotas."""

    def __init__(self, client: "Redis", clock: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._clock = clock
        self._away_until = 0.0
        self._is_away = False

    async def draw(self, draw: Draw) -> Drawn:
        """Raises LedgerAway."""
        units = list(draw.per_minute)
        limits = ",".join(f"{unit}={draw.per_minute[unit]:g}" for unit in units)
        arguments: list[Any] = ["1" if draw.is_owed else "0"]
        for unit in units:
            arguments += [unit, draw.per_minute[unit], draw.tokens.get(unit, 0.0), draw.needed(unit)]
        key = f"{PREFIX}:quota:{draw.key}:{limits}"
        told = await self._asked(lambda: self.client.eval(DRAW, 1, key, *arguments))
        if told is None:
            raise LedgerAway
        return Drawn(bool(told[0]), {unit: float(left) for unit, left in zip(units, told[1:], strict=True)})

    async def answer(self, fingerprint: str) -> bytes | None:
        """What was kept under it, and stays for another while; None where nothing was, or it cannot be asked."""
        kept = await self._asked(lambda: self.client.getex(f"{PREFIX}:answer:{fingerprint}", ex=ANSWER_LIFE_S))
        return kept if isinstance(kept, bytes) else None

    async def keep_answer(self, fingerprint: str, answer: bytes) -> None:
        await self._asked(lambda: self.client.set(f"{PREFIX}:answer:{fingerprint}", answer, ex=ANSWER_LIFE_S))

    async def close(self) -> None:
        await self.client.aclose()

    async def _asked(self, ask: Callable[[], Awaitable[Result]]) -> Result | None:
        """None where it is away, which is told once."""
        from redis.exceptions import RedisError

        if self._clock() < self._away_until:
            return None
        try:
            told = await ask()
        except (RedisError, OSError) as error:
            self._away_until = self._clock() + RETRY_S
            if not self._is_away:
                logger.warning("shared store away", extra={FIELDS: {"cause": str(error) or type(error).__name__}})
            self._is_away = True
            return None
        if self._is_away:
            self._is_away = False
            logger.info("shared store back")
        return told

"""Who is still to be told of an end, by any of the machines."""

from collections.abc import Sequence

from service.jobs.deliveries import DELAYS_S, Delivery
from service.jobs.redis.link import PREFIX, RedisLink

PATIENCE_S = 60
"""For the machine that has taken a webhook to tell it: an answer may take 10 s. Then another one does."""


class Deliveries:
    """Threads may share it."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    def due(self, most: int) -> Sequence[Delivery]:
        found = self._link.run("due", most, PATIENCE_S)
        return [_delivery_of(*(value.decode() for value in each)) for each in found if None not in each]

    def forget(self, delivery: Delivery) -> None:
        subject = delivery.subject

        self._link.ask(lambda redis: redis.zrem(f"{PREFIX}due", subject))
        self._link.ask(lambda redis: redis.delete(f"{PREFIX}webhook:{subject}"))

    def postpone(self, delivery: Delivery) -> bool:
        return bool(self._link.run("postpone", delivery.subject, *DELAYS_S))


def _delivery_of(subject: str, owner: str, url: str, attempts: str) -> Delivery:
    """A subject ends once, so its id is enough of a name for what is said of that."""
    return Delivery(f"msg_{subject}", subject, owner, url, int(attempts))

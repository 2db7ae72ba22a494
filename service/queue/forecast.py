"""How long pixels will take, and those before them, judging by what pixels took so far. Has no clock and no thread."""

import math
from collections.abc import Iterator

from service.queue.claim import Claim
from service.queue.pace import SizedPace
from service.queue.schedule import AHEAD, Lane

NEWEST_SHARE = 0.1
"""Of the newest picture in the usual size of pictures."""


class Forecast:
    """Knows every request that is not done yet, and how long each stage of each kind of request takes by its size."""

    def __init__(self) -> None:
        self.claims: set[Claim] = set()
        self._pace: dict[tuple[str, str], SizedPace] = {}
        self._usual_megapixels = 0.0

    def learn(self, claim: Claim, stage: str, took_s: float) -> None:
        if claim.megapixels is not None:
            self._paced(claim.kind, stage).observe(claim.megapixels, took_s)
            self._usual_megapixels += NEWEST_SHARE * (claim.megapixels - self._usual_megapixels)

    def left_s(self, claim: Claim, now: float) -> float:
        """What one thread will take for the rest of its stages."""
        expected_s = list(self._stages_s(claim))
        if claim.started_at is not None and expected_s:
            expected_s[0] = max(0.0, expected_s[0] - (now - claim.started_at))
        return sum(expected_s)

    def ahead_s(self, lane: Lane, now: float, turn: float = math.inf, newest: Claim | None = None) -> float:
        """What one thread would take for everything that goes before `newest`, or before a request that came now and
        got this turn."""
        ahead = (claim for claim in self.claims if claim is not newest and _goes_before(claim, lane, turn))
        return sum(self.left_s(claim, now) for claim in ahead)

    def _stages_s(self, claim: Claim) -> Iterator[float]:
        megapixels = self._usual_megapixels if claim.megapixels is None else claim.megapixels
        return (self._paced(claim.kind, stage).expected_s(megapixels) for stage in claim.stages_left)

    def _paced(self, kind: str, stage: str) -> SizedPace:
        return self._pace.setdefault((kind, stage), SizedPace())


def _goes_before(claim: Claim, lane: Lane, turn: float) -> bool:
    """What was begun is finished first, whoever comes."""
    return claim.lane in AHEAD[lane] and (claim.turn <= turn or claim.has_begun)

"""An amount that all share, bytes, pixels or live sessions, of which nobody may leave too little for the others."""

from collections import Counter


class Budget:
    """Counts what is in use, by whom. Not safe between threads: its owner has the lock."""

    def __init__(self, total: int, largest: int, share: float) -> None:
        """`total` for all; `largest` is the most that one request asks for. Whoever has more than `share` of the total
        (0 to 1) leaves room for one such request of somebody else."""
        self.used = 0
        self.total = total
        self._fair = int(share * total)
        self._spare = min(largest, total - self._fair)
        self._held: Counter[str] = Counter()

    def fits(self, count: int, peer: str) -> bool:
        """Beside what others have. A lone request always fits: its own size was checked already."""
        spare = self._spare if self.exceeds_share(count, peer) else 0
        return not self.used or self.used + count <= self.total - spare

    def exceeds_share(self, count: int, peer: str) -> bool:
        """Whether `count` more would be more than its share: then others go first."""
        return self._held[peer] + count > self._fair

    def take(self, count: int, peer: str) -> None:
        self.used += count
        self._held[peer] += count

    def give_back(self, count: int, peer: str) -> None:
        self.used -= count
        self._held[peer] -= count
        if not self._held[peer]:
            del self._held[peer]

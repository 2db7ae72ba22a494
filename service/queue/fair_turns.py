"""Whose request is next where somebody has many of them: one of each peer after the other. Has no clock."""


class FairTurns:
    """Numbers for requests, of which the smallest goes first: a peer's next comes one after its last, and that of a
    newcomer with those who are being served.

    Source: Goyal, Vin and Cheng 1996, "Start-time Fair Queueing", with every request counted as one.
    """

    def __init__(self) -> None:
        self._served = 0
        self._next: dict[str, int] = {}

    def next(self, peer: str) -> int:
        """What the next request of `peer` would get."""
        return max(self._served, self._next.get(peer, 0))

    def take(self, peer: str) -> int:
        turn = self.next(peer)
        self._next[peer] = turn + 1
        return turn

    def begin(self, turn: int) -> None:
        """The request with this number is being served."""
        self._served = max(self._served, turn)

    def forget(self, peer: str) -> None:
        """It has no request any more."""
        self._next.pop(peer, None)

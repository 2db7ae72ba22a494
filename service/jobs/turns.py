"""Whose job is next: owners take turns, so that the thousand jobs of one do not keep another's single one waiting."""

from collections.abc import Mapping


class OwnerTurns:
    """Remembers who had a turn when."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def next(self, waiting_since: Mapping[str, float]) -> str:
        """Of those that wait, whoever had no turn for longest; among equals, who has waited for longest."""
        owner = min(waiting_since, key=lambda owner: (self._last.get(owner, 0), waiting_since[owner]))
        self._last = {each: self._last.get(each, 0) for each in waiting_since}
        self._last[owner] = max(self._last.values()) + 1
        return owner

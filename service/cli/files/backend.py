"""Who answers: this machine's own engine, or a running service."""

from typing import Protocol


class Backend(Protocol):
    """Makes results of photos."""

    @property
    def places(self) -> int:
        """How many photos it is worth working on at once."""

    async def answer(self, photo: bytes) -> bytes:
        """The result. Raises PhotoFailed for this photo, and Stopped where no other would fare better."""

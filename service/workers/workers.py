"""The workers as the service sees them, wherever they are."""

from typing import Protocol

from service.telemetry.metrics import WorkerStatus


class Workers(Protocol):
    """`WorkerPool`, or that of another process."""

    @property
    def size(self) -> int:
        """How many there are, ready or not."""

    @property
    def places(self) -> int:
        """Images that all together take at once."""

    @property
    def ready_count(self) -> int: ...

    @property
    def trouble(self) -> str | None:
        """Why nobody can be served; None while somebody can be, or may soon."""

    def status(self) -> list[WorkerStatus]: ...

    async def start(self) -> None:
        """Returns when every worker is ready. Raises WorkerFailed as soon as one cannot load its models."""

    async def stop(self, drain_timeout_s: float) -> None:
        """Whoever waits gets Draining; what is on board has `drain_timeout_s`."""

    def kill(self) -> None:
        """At once."""

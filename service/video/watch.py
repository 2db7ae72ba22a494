"""Who waits for a film, and what he is told. Imports no codec."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    frames: int
    total: int | None
    """To about one; None where nobody knows."""


@dataclass(frozen=True)
class Watch:
    """What whoever waits for the film wants to hear, on the event loop."""

    on_progress: Callable[[Progress], None] = lambda progress: None
    before_film: Callable[[int], Awaitable[None]] | None = None
    """Is told how many pixels are in memory at once, and may keep the film waiting."""
    before_frame: Callable[[int], Awaitable[None]] | None = None
    """Is told how many pixels a frame has, and may keep it waiting."""

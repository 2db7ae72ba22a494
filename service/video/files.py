"""Where a film is read from and written to. Imports no codec."""

from dataclasses import dataclass
from pathlib import Path

CUT_OFF = ".silhouette-part"
KEPT = ".silhouette-mattes"


def unfinished(result: Path) -> Path:
    """The result while it is written."""
    return result.with_name(f".{result.name}{CUT_OFF}")


@dataclass(frozen=True)
class FilmFiles:
    """Of one film."""

    source: Path
    result: Path
    background: bytes | None = None
    matte: bytes | None = None
    """Of every frame, where the scene stands still: no network is asked."""

    @property
    def unfinished(self) -> Path:
        """The result while it is written."""
        return unfinished(self.result)

    @property
    def mattes(self) -> Path:
        """What the networks said so far; stays where the work is cut short."""
        return self.result.with_name(f".{self.result.name}{KEPT}")

"""The measurements of one run as a JSON file, written anew after each, so that nothing is lost when a run is."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.peers.agreement import Agreement
from benchmarks.peers.cells import Cell
from benchmarks.peers.folders import Folder
from service.configuration_errors import ConfigurationError


@dataclass
class Record:
    """What was measured, on what machine, and with which of our options on."""

    circumstances: str
    cells: list[Cell] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    file: Path | None = None

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises ConfigurationError where the file is no record."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                content["circumstances"],
                [Cell(**_with_nan(entry)) for entry in content["cells"]],
                [Agreement(**_with_nan(entry)) for entry in content["agreements"]],
                [Folder(**_with_nan(entry)) for entry in content["folders"]],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{file} has no measurements: {error}") from error

    def add(self, found: Cell | Agreement | Folder) -> None:
        match found:
            case Cell():
                self.cells.append(found)
            case Agreement():
                self.agreements.append(found)
            case Folder():
                self.folders.append(found)
        self._write()

    def _write(self) -> None:
        """First beside the old file: whoever is cut off while writing loses one measurement, not all."""
        if self.file is None:
            return
        content: dict[str, Any] = {"circumstances": self.circumstances}
        for name in ("cells", "agreements", "folders"):
            content[name] = [_without_nan(asdict(entry)) for entry in getattr(self, name)]
        beside = self.file.with_name(f"{self.file.name}.part")
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.file)


def _without_nan(entry: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in entry.items()}


def _with_nan(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if value is None else value for name, value in entry.items()}

"""How a benchmark tells what it has measured, to people and to programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.harness.machine import machine

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def print_with_machine(table: Table) -> None:
    """The table, and what it was measured on, in 120 columns however narrow the terminal is."""
    console = Console(width=120)
    console.print(table)
    console.print(machine())


def write_rows(rows: "Sequence[DataclassInstance]", out: Path | None) -> None:
    """As a list in JSON, where anybody wants it."""
    if out:
        out.write_text(json.dumps(list(map(asdict, rows)), indent=1) + "\n", encoding="utf-8")

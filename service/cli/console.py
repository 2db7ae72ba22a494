"""Where the commands speak: results to standard output, everything else to standard error."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rich.progress import Progress, ProgressColumn

    from service.cli.parser import Parser

    Commands = argparse._SubParsersAction[Parser]


def say(line: str) -> None:
    """One line, whatever the names of files in it hold: line ends, or codes that mean something to a terminal."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in line)
    sys.stderr.write(f"{printable}\n")


def download_progress() -> "Progress":
    """A bar with bytes, speed and the time left; nothing where no person watches."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    name = TextColumn("{task.description}")
    return progress_of(name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())


def work_progress() -> "Progress":
    """A bar with photos done and the time left; nothing where no person watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return progress_of(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def progress_of(*columns: "ProgressColumn") -> "Progress":
    """Of these columns; nothing where no person watches."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

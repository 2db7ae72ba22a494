"""Where the commands speak: results to standard output, everything else to standard error."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rich.progress import Progress

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def download_progress() -> "Progress":
    """A bar with bytes, speed and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def work_progress() -> "Progress":
    """A bar with photos done and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))

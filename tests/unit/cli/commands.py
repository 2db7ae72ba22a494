"""The `silhouette` command, in a process of its own or in this one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 180

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def silhouette(*arguments: str | Path, **settings: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs the command with the settings, given without their prefix."""
    environment = os.environ | {f"SILHOUETTE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "service.cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def is_one_line_about(done: "subprocess.CompletedProcess[str]", *words: str) -> bool:
    lines = done.stderr.strip().splitlines()
    return len(lines) == 1 and all(word in lines[0] for word in words)

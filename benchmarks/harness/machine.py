"""What a measurement was made on, in the words that stand beside published figures."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Cores, processor, today's date and the version of torch."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores of {_processor()}, {datetime.now(UTC).date().isoformat()}, torch {version('torch')}"


def _processor() -> str:
    """As Linux names it, with VNNI where it has that: int8 lives on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return facts.get("model name", platform.machine()) + " with VNNI" * ("avx512_vnni" in facts.get("flags", ""))

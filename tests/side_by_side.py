"""Which tests stay in one process when several run side by side, and in which order they begin: for pytest-xdist.

Its own groups, `--dist loadgroup` with marks, go by a suffix that it appends to the names of tests. pytest 9.2 no
longer takes that, and xdist 3.8 does not notice: every test goes where there is room, and every process starts each
server.
"""

from pathlib import PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

FIRST = (
    *("browser", "system", "our_clients", "doors", "ray"),
    *("unit/cli", "unit/workers", "unit/models", "unit/video", "repository"),
)
"""They start processes that load torch, or run real networks. Begun last, they would run on when all else is done."""

ROOMS = ("browser", "gpu", "doors", "our_clients")
"""The tests of each share a browser, a GPU or a server."""

TOGETHER = {
    "the server of real models": tuple(
        f"tests/system/test_{name}.py" for name in ("live_selfie", "real_photos", "server_process", "top")
    ),
    "the engine of films": tuple(
        f"tests/unit/video/test_{name}.py" for name in ("film", "film_cut_short", "film_refused")
    ),
    "originals of models": (
        "tests/unit/models/segmenters/test_families.py",
        "tests/unit/models/store/test_convert.py",
    ),
}
"""Files that share what is slow to start."""


def place_of(nodeid: str) -> str:
    """What a test shares with all others of the same place: its room or, in most of them, its file."""
    path = PurePosixPath(nodeid.partition("::")[0])
    if room := next((room for room in ROOMS if room in path.parts), None):
        return room
    return next((place for place, files in TOGETHER.items() if str(path) in files), str(path))


def begins_at(nodeid: str) -> int:
    """Where in the order of all tests; those of one number begin as they were found."""
    return next((place for place, room in enumerate(FIRST) if f"tests/{room}/" in nodeid), len(FIRST))


class ByPlace(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process all tests of a place, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return place_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return ByPlace(config, log) if config.getvalue("dist") == "loadgroup" else None

"""Whether this installation can read and write films at all."""

import importlib.util

from service.configuration_errors import MissingExtra


def has_libraries() -> bool:
    """Looks for PyAV without importing it: that takes 0.1 s and 18 MB, which a photo has no use for."""
    return importlib.util.find_spec("av") is not None


def check_libraries() -> None:
    """Raises MissingExtra."""
    if not has_libraries():
        raise MissingExtra.of("video", "a film", "av")

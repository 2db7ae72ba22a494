"""Whether this installation can read and write films at all."""

import importlib.util

from service.configuration_errors import MissingExtra


def check_libraries() -> None:
    """Raises MissingExtra. PyAV is imported by nobody before: 0.1 s and 18 MB, which a photo has no use for."""
    if importlib.util.find_spec("av") is None:
        raise MissingExtra("films need the extra `video`, and av cannot be imported: pip install 'silhouette[video]'")

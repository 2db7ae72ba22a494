"""Pictures that a caller names by a URL, brought here without letting the caller reach what only this machine can.

Knows no HTTP of our own: `api/fetching.py` calls it for a request.
"""

from service.fetch.fetcher import Fetcher
from service.fetch.target import is_url

__all__ = ["Fetcher", "is_url"]

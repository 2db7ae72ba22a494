"""Pictures that a caller names by a URL, brought here without letting the caller reach what only this machine can.

Knows no HTTP of our own: `api/fetching.py` calls it for a request.
"""

from service.fetch.fetcher import Fetcher

__all__ = ["Fetcher"]

"""Which scope a request needs of its key. What is not named here needs `images`: a new path is closed, not open."""

from collections.abc import Container

from service.access.guard import ANY

OPEN_PATHS = ("/", "/livez", "/readyz", "/startupz", "/openapi.json", "/docs", "/favicon.ico")
"""Probes, and pages that show nothing but themselves: the studio asks for a key before it asks for anything else."""

OPEN_FOLDERS = ("/studio/", "/docs/", "/static-offline-docs/")

ADMIN = "admin"

ADMINISTRATED = ("/models", "/v2/repository/models/")
"""What is not read here but changed: the models, by our own contract and by Triton's."""

READING = ("GET", "HEAD")

OWN = ("/jobs", "/batches/")
"""What a key has asked for: it sees nothing else there, so any key may look."""


def scope_needed(method: str, path: str, open_paths: Container[str] = ()) -> str | None:
    """None where no key is needed. `open_paths` are probes and pages beside those above, for reading only."""
    if method == "OPTIONS":  # a browser asks whether it may ask, and sends no key with that
        return None
    if method in READING and (path in OPEN_PATHS or path in open_paths or path.startswith(OPEN_FOLDERS)):
        return None
    if path.startswith("/videos"):
        return "videos"
    if path.startswith(OWN):
        return ANY
    if path == "/metrics":
        return "metrics"
    if is_administrative(method, path):
        return ADMIN
    return "images"


def is_administrative(method: str, path: str) -> bool:
    """Whether it changes the service itself."""
    return path.startswith(ADMINISTRATED) and method not in READING

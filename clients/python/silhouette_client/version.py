"""Of this client; the service says its own in `/openapi.json`."""

__version__ = "0.1.0"

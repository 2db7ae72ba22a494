"""The `silhouette` command: serve, manage models, and work on files. `silhouette COMMAND --help` teaches each."""

from service.cli.main import main

__all__ = ["main"]

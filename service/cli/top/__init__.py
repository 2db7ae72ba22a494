"""`silhouette top`: a running service, live in a terminal."""

from service.cli.top.command import add_command

__all__ = ["add_command"]

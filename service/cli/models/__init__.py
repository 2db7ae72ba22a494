"""`silhouette models`: what the store has, how it gets there, and what a running service has loaded.

One file an action, or a few that belong together; `command.py` lists them.
"""

from service.cli.models.command import add_command

__all__ = ["add_command"]

"""`silhouette mcp`: the operations as tools for an agent that starts this command and speaks with it."""

from service.cli.mcp.command import add_command

__all__ = ["add_command"]

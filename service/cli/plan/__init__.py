"""`silhouette plan`: how many cores, fronts, machines and devices some load takes, from what was measured."""

from service.cli.plan.command import add_command

__all__ = ["add_command"]

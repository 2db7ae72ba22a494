"""`silhouette video FILM...`: an effect on every frame of films.

`command.py` has the flags, `plan.py` finds the films and says where each result goes, `run.py` works them off.
"""

from service.cli.video.command import add_command

__all__ = ["add_command"]

"""`silhouette camera`: the camera with an effect, as a camera that meetings see.

`command.py` has the flags, `run.py` opens what is needed and runs until Ctrl-C.
"""

from service.cli.camera.command import add_command

__all__ = ["add_command"]

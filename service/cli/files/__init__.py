"""`silhouette segment PHOTO...` and its siblings: the service's operations on files.

`commands.py` reads the command line, `scan.py` finds the photos, `destinations.py` says where each result goes,
`plan.py` puts that together, `run.py` works it off, and `report.py` keeps what became of each photo. Who answers is a
`Backend`: this machine's own engine (`local.py`), or a running service (`remote.py`).
"""

from service.cli.files.commands import add_commands

__all__ = ["add_commands"]

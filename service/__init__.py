"""Silhouette: a self-hosted segmentation service.

`docs/architecture.md` shows the rooms; `app.py` builds the HTTP service, and `cli/` is the `silhouette` command.
"""

__version__ = "0.1.0"

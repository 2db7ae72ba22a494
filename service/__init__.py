"""Silhouette: a self-hosted segmentation service. `app.py` builds it, `cli.py` starts it."""

__version__ = "0.1.0"

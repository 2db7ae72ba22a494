"""`silhouette models add`: an ONNX file becomes a served model."""

from service.cli.models.adding.command import add_actions

__all__ = ["add_actions"]

"""Hands pictures to other programs as a camera's: by pyvirtualcam, which needs a driver or OBS."""

import importlib
import sys
from typing import Any, Protocol

import numpy as np
from PIL import Image

from service.configuration_errors import ConfigurationError, MissingExtra
from service.models.labels import Size

DRIVERS = {
    "linux": "it takes v4l2loopback: sudo apt install v4l2loopback-dkms, then "
    "sudo modprobe v4l2loopback exclusive_caps=1 card_label=Silhouette",
    "darwin": "it takes OBS, whose virtual camera was started and stopped once",
    "win32": "it takes OBS, or Unity Capture",
}
"""What a system needs before there can be one."""


class VirtualCamera(Protocol):
    """One that is open."""

    @property
    def name(self) -> str:
        """As other programs list it."""

    @property
    def size(self) -> Size:
        """Of its frames."""

    def send(self, picture: Image.Image) -> None:
        """The next frame: RGB."""

    def close(self) -> None: ...


class SystemCamera:
    """A VirtualCamera of the operating system."""

    def __init__(self, size: Size, rate: int, device: str | None) -> None:
        """Raises MissingExtra, and ConfigurationError where there is no driver or the device cannot be had."""
        library = _library()
        try:
            self._camera = library.Camera(width=size.width, height=size.height, fps=rate, device=device)
        except RuntimeError as error:
            first = str(error).partition("\n")[0]
            advice = DRIVERS.get(sys.platform, "it takes a driver")
            raise ConfigurationError(f"there is no virtual camera ({first}); {advice}. See docs/camera.md") from error

    @property
    def name(self) -> str:
        return str(self._camera.device)

    @property
    def size(self) -> Size:
        return Size(self._camera.width, self._camera.height)

    def send(self, picture: Image.Image) -> None:
        self._camera.send(np.asarray(picture))

    def close(self) -> None:
        self._camera.close()


def _library() -> Any:
    try:
        return importlib.import_module("pyvirtualcam")
    except ImportError as error:
        raise MissingExtra.of("camera", "a virtual camera", "pyvirtualcam") from error

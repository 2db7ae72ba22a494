"""Who writes each of the formats: one row a format of `service/video/formats.py`."""

from collections.abc import Callable
from typing import Any

from service.video.formats import FormatName
from service.video.writers.animation import GifWriter, WebpWriter
from service.video.writers.mov import MovWriter
from service.video.writers.mp4 import Mp4Writer
from service.video.writers.pictures import FolderWriter, ZipWriter
from service.video.writers.webm import WebmWriter
from service.video.writers.writer import Composed, Order, Writer

WRITERS: dict[FormatName, Callable[[Order], Writer[Any, Any]]] = {
    "webm": WebmWriter,
    "mov": MovWriter,
    "mp4": Mp4Writer,
    "zip": ZipWriter,
    "png": FolderWriter,
    "gif": GifWriter,
    "webp": WebpWriter,
}

__all__ = ["WRITERS", "Composed", "Order", "Writer"]

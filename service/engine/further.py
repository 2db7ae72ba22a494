"""The pictures of a request beside its photo. Knows no HTTP."""

from collections.abc import Mapping
from typing import Any

from service.operations.operation import Operation
from service.pixels.decode import Grey, Photo, decode, decode_grey


def decoded(
    operation: Operation[Any], pictures: Mapping[str, bytes], max_pixels: int
) -> tuple[Mapping[str, Photo], Mapping[str, Grey]]:
    """By their names: those that have colours, and those that are grey. Raises what `decode` raises."""
    grey = {picture.name for picture in operation.pictures if picture.is_grey}
    return (
        {name: decode(content, max_pixels) for name, content in pictures.items() if name not in grey},
        {name: decode_grey(content, max_pixels) for name, content in pictures.items() if name in grey},
    )

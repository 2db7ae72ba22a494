"""The pictures of a request beside its photo, and the page of its result. Knows no HTTP."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from service.errors import BadInput
from service.operations.operation import Operation
from service.pixels.decode import Grey, Photo, count_pixels, decode, decode_grey, stated_size


def decoded(
    operation: Operation[Any], pictures: Mapping[str, bytes], max_pixels: int
) -> tuple[Mapping[str, Photo], Mapping[str, Grey]]:
    """By their names: those that have colours, and those that are grey. Raises what `decode` raises."""
    grey = {picture.name for picture in operation.pictures if picture.is_grey}
    photos, masks = {}, {}
    for name, content in pictures.items():
        with naming(name):
            if name in grey:
                masks[name] = decode_grey(content, max_pixels)
            else:
                photos[name] = decode(content, max_pixels)
    return photos, masks


def pixels_of(image: bytes, pictures: Mapping[str, bytes], max_pixels: int) -> int:
    """Of the photo and of the pictures beside it, by their headers. Raises what `count_pixels` raises."""
    total = count_pixels(image, max_pixels)
    for name, content in pictures.items():
        with naming(name):
            total += count_pixels(content, max_pixels)
    return total


def page_pixels_of(image: bytes, operation: Operation[Any], options: Any, max_pixels: int) -> int:
    """Of the page that the result is on, at most; 0 where it is as large as the photo. Raises as `count_pixels`."""
    if operation.page is None:
        return 0
    page = operation.page(stated_size(image, max_pixels), options)
    return page.width * page.height


@contextlib.contextmanager
def naming(picture: str) -> Iterator[None]:
    """What is wrong with a picture is said with its name, or else it would be taken for the photo's."""
    try:
        yield
    except BadInput as failure:
        raise type(failure)(f"{picture}: {failure.detail}") from failure

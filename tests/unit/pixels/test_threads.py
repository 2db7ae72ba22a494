"""The check that keeps what grows with a picture away from the event loop, where everybody would wait for it."""

import asyncio
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image

from service.pixels import encoders, matting
from service.pixels.decode import Photo, decode
from service.pixels.encoders import PICTURE_ENCODERS

PICTURE = Image.new("RGB", (4, 4))
MASK = np.ones((4, 4), bool)

WORK: dict[str, Callable[[], object]] = {
    "decode": lambda: decode(PICTURE_ENCODERS["png"](PICTURE, 100, "fast"), 100),
    "on_white": lambda: Photo(PICTURE).on_white(),
    "has_subject": lambda: matting.has_subject(Image.new("L", (4, 4))),
    "subject_box": lambda: matting.subject_box(Image.new("L", (4, 4))),
    "rle": lambda: encoders.rle.encode(MASK),
    "polygons": lambda: encoders.polygons.encode(MASK),
    **{name: partial(encode, PICTURE, 90, "fast") for name, encode in PICTURE_ENCODERS.items()},
}


@pytest.mark.parametrize("name", WORK)
def test_work_on_pixels_is_done_on_a_thread_and_refused_on_an_event_loop(name: str) -> None:
    async def on_the_loop() -> object:
        return WORK[name]()

    async def on_a_thread() -> object:
        return await asyncio.to_thread(WORK[name])

    asyncio.run(on_a_thread())
    with pytest.raises(AssertionError, match="not on an event loop"):
        asyncio.run(on_the_loop())

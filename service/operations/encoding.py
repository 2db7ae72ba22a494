"""The last step of an operation that answers with a picture: which format it gets, and its bytes."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from service.operations.options import Format, Options
from service.pixels.decode import Photo
from service.pixels.encoders import PICTURE_ENCODERS
from service.pixels.encoders.pictures import MAX_SIDE_PX, TRANSPARENT_PICTURE


def encoded(picture: Image.Image, accepted: Sequence[Format], options: Options) -> tuple[bytes, Format]:
    """In the best liked format of `accepted` that can hold the picture, which is known only now.

    Raises NotAcceptable where none can.
    """
    format_ = next((each for each in accepted if _holds(each, picture)), accepted[0])
    return PICTURE_ENCODERS[format_](picture, options.quality, options.compression), format_


def as_transparent_as(photo: Photo, picture: Image.Image, accepted: Sequence[Format]) -> Image.Image:
    """`picture` (RGB, as large as the photo) with the photo's own transparency: alpha in is alpha out.

    On white where only JPEG is accepted. What lay hidden under an alpha of 0 is gone.
    """
    if photo.alpha is None:
        return picture
    if not any(format_ in TRANSPARENT_PICTURE for format_ in accepted):
        return Photo(picture, photo.alpha).on_white()
    alpha = np.asarray(photo.alpha)[..., np.newaxis]
    return Image.fromarray(np.concatenate([np.asarray(picture) * (alpha > 0), alpha], axis=2))


def _holds(format_: Format, picture: Image.Image) -> bool:
    is_wide = max(picture.size) > MAX_SIDE_PX.get(format_, max(picture.size))
    return not is_wide and (format_ in TRANSPARENT_PICTURE or "A" not in picture.getbands())

"""What goes wrong at this door beside what goes wrong everywhere. The codes are those of the contract."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError

from service.errors import BadOption, MissingImage
from service.errors.wording import wording_of


class NoSource(MissingImage):
    code = "missing_source"
    title = "No image was given"


class ManySources(BadOption):
    code = "multiple_sources"
    title = "More than one image was given"


class ManyBackgrounds(BadOption):
    code = "multiple_bg_sources"
    title = "More than one background was given"


class RoiExceedsBounds(BadOption):
    code = "roi_exceeds_bounds"
    title = "The roi is larger than the image"


class RoiRegionEmpty(BadOption):
    code = "roi_region_empty"
    title = "The roi is empty"


class BadImageUrl(BadOption):
    code = "invalid_image_url"
    title = "The image's URL is not one that is fetched"


class BadBackgroundUrl(BadOption):
    code = "invalid_bg_image_url"
    title = "The background's URL is not one that is fetched"


class ImageNotFetched(BadOption):
    code = "failed_image_download"
    title = "The image was not fetched from its URL"


class BackgroundNotFetched(BadOption):
    code = "failed_bg_download"
    title = "The background was not fetched from its URL"


class Wrong(NamedTuple):
    """One parameter that cannot be used."""

    name: str
    detail: str


class BadParameters(BadOption):
    """Parameters that cannot be used, each with an error of its own."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__("; ".join(f"{name}: {detail}" for name, detail in wrong))
        self.wrong = wrong

    @classmethod
    def of(cls, error: ValidationError) -> "BadParameters":
        found = {str(entry["loc"][0]): wording_of(entry) for entry in error.errors()}
        return cls([Wrong(name, detail) for name, detail in found.items()])

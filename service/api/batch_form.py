"""The form of a batch: many pictures, or URLs of them, and what is wanted of all of them."""

from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request

from service.api.forms import MAX_FORM_FIELDS, MAX_FORM_FILES, PartOnDisk, read_form
from service.api.request_headers import MULTIPART, media_type_of
from service.errors import BadOption, MissingImage, UnsupportedBody

PICTURES = "image"
"""The name of the form field that is there once for each picture."""

URLS = "url"
"""The name of the form field that is there once for each picture that is to be fetched."""


@dataclass
class BatchForm:
    """What came."""

    pictures: list[PartOnDisk] = field(default_factory=list)
    further: dict[str, PartOnDisk] = field(default_factory=dict)
    """Pictures that go to each of them, such as a background, by their names."""
    urls: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


async def read_batch_form(request: Request, folder: Path, most: int) -> BatchForm:
    """The form, with its files in `folder`; `most` pictures of each sort.

    Raises UnsupportedBody, MalformedForm, MissingImage, or BadOption for what is given twice and may not be.
    """
    media_type = media_type_of(request.headers)
    if media_type != MULTIPART:
        raise UnsupportedBody(f"the request has {media_type or 'no Content-Type'}; a batch is multipart/form-data")
    found = BatchForm()
    limits = {"max_files": most + MAX_FORM_FILES, "max_fields": most + MAX_FORM_FIELDS}
    async with read_form(request, folder=folder, **limits) as form:
        for name, value in form.multi_items():
            _keep(found, name, value)
    return found


def _keep(found: BatchForm, name: str, value: object) -> None:
    if name == PICTURES and isinstance(value, PartOnDisk):
        found.pictures.append(value)
    elif name == URLS and isinstance(value, str):
        found.urls.append(value)
    elif name == PICTURES:
        raise MissingImage(f"`{name}` came as text; send it as a file, with curl as -F {name}=@photo.jpg")
    elif name in found.further or name in found.texts:
        raise BadOption(f"`{name}` is given twice; only `{PICTURES}` and `{URLS}` may be")
    elif isinstance(value, PartOnDisk):
        found.further[name] = value
    else:
        found.texts[name] = str(value)

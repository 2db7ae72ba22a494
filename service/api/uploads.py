"""Reads the image, further files and the options out of a request, wherever the caller put them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from service.api.forms import only_once, read_form
from service.api.negotiation import negotiate
from service.api.request_headers import MULTIPART, media_type_of
from service.errors import BadInput, BadOption, MissingImage, UnsupportedBody
from service.operations.operation import Operation
from service.operations.options import AnyOptions, Format, Options, parse_options

PHOTO = "image"
"""The name of the form field that has the photo."""


@dataclass(frozen=True)
class Upload(Generic[AnyOptions]):
    """What a request for one operation has brought, checked against it."""

    image: bytes
    pictures: Mapping[str, bytes]
    """Further pictures, by the names that the operation has for them."""
    options: AnyOptions
    accepted: Sequence[Format]
    """What the result may come in, best liked first."""
    given: Mapping[str, str]
    """The options as text, as the caller gave them."""


async def read_upload(request: Request, operation: Operation[AnyOptions]) -> Upload[AnyOptions]:
    """The request's photo (a multipart file `image`, or the raw body) with its options (form or query).

    Without a `format` among the options, the `Accept` header chooses one.
    Raises UnsupportedBody, MalformedForm, MissingImage, BadOption, UnknownOption or NotAcceptable.
    """
    # Options in the query are checked before the body is read.
    query = only_once(request.query_params.multi_items())
    parse_options(operation.options, query)
    files, fields = await _read_body(request, [picture.name for picture in operation.pictures])
    given = _merge(query, fields)
    options = parse_options(operation.options, given)
    accepted = accepted_formats(request, options)
    options = options.model_copy(update={"format": accepted[0]})
    image = files.pop(PHOTO, None)
    if not image:
        raise _missing(files) if image is None else MissingImage(EMPTY)
    return Upload(image, _pictures(files, operation), options, accepted, given)


EMPTY = "the picture is here, but its file is empty: it has 0 bytes"


def _missing(files: Mapping[str, bytes]) -> MissingImage:
    """Many services call it otherwise, so the field that was sent in its place is named."""
    if files:
        return MissingImage(f"you sent `{next(iter(files))}`; it is called `{PHOTO}`")
    return MissingImage("send the picture as a multipart file named `image`, or as the body with Content-Type image/*")


def accepted_formats(request: Request, options: Options) -> Sequence[Format]:
    """What the result may come in, best liked first. Raises NotAcceptable."""
    if options.format is not None:
        return [options.chosen_format()]
    return negotiate(",".join(request.headers.getlist("accept")), options.formats)


async def _read_body(request: Request, pictures: Sequence[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    """(files, text fields), each by name."""
    media_type = media_type_of(request.headers)
    if media_type.startswith("image/"):
        return {PHOTO: await request.body()}, {}
    if media_type == MULTIPART:
        return await _read_form(request, pictures)
    said = media_type or "no Content-Type"
    raise UnsupportedBody(f"the request has {said}; send multipart/form-data with a file `image`, or a body of image/*")


async def _read_form(request: Request, pictures: Sequence[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    async with read_form(request) as form:
        return await _sort(form, pictures)


async def _sort(form: FormData, pictures: Sequence[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    entries = form.multi_items()
    texts = only_once([(name, value) for name, value in entries if isinstance(value, str)])
    uploads = only_once([(name, value) for name, value in entries if isinstance(value, UploadFile)])
    for name in (PHOTO, *pictures):
        if texts.pop(name, ""):
            failure: type[BadInput] = MissingImage if name == PHOTO else BadOption
            raise failure(f"`{name}` came as text; send it as a file, with curl as -F {name}=@photo.jpg")
    return {name: await upload.read() for name, upload in uploads.items()}, texts


def _merge(query: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str]:
    if different := [name for name in query if fields.get(name, query[name]) != query[name]]:
        raise BadOption(f"given with two values, in the query and in the form: {', '.join(different)}")
    return {**fields, **query}


def _pictures(files: Mapping[str, bytes], operation: Operation[AnyOptions]) -> Mapping[str, bytes]:
    """In the order of the operation. An empty file is one that was not given."""
    known = [picture.name for picture in operation.pictures]
    if unknown := set(files) - set(known):
        raise BadOption(f"unexpected file {', '.join(sorted(unknown))}; the files are {', '.join((PHOTO, *known))}")
    return {name: files[name] for name in known if files.get(name)}

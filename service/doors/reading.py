"""Reads what clients of other contracts send: forms with any names, JSON, pictures as base64.

All within the limits that the Gate keeps: the body is counted as it comes, and what is decoded from it as well.
"""

import binascii
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import UploadFile

from service.api.exchange import exchange_of
from service.api.forms import MAX_FORM_FIELDS, read_form
from service.api.request_headers import MULTIPART, media_type_of
from service.api.running import by_size
from service.api.state import Service
from service.errors import BadOption, MalformedForm, MalformedJson, UndecodableImage, UnsupportedBody
from service.errors.wording import wording_of

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

Body = TypeVar("Body", bound=BaseModel)

PIECE_CHARACTERS = 262_144  # 1 MB was measured at 6 ms, 32 MB of JSON at 11
"""Of base64 that are decoded in one go, in which no other thread can run; four of them are three bytes."""


@dataclass(frozen=True)
class Fields:
    """A form. A name may be there more than once."""

    files: Mapping[str, Sequence[bytes]]
    texts: Mapping[str, Sequence[str]]

    def file(self, *names: str) -> bytes | None:
        """The first file under one of the names that is not empty."""
        return next((content for name in names for content in self.files.get(name, ()) if content), None)

    @property
    def last_texts(self) -> dict[str, str]:
        """The last value of each name, as most readers of forms have it."""
        return {name: values[-1] for name, values in self.texts.items()}


async def read_fields(request: Request) -> Fields:
    """The form in the body, either kind. Raises UnsupportedBody or MalformedForm."""
    media_type = media_type_of(request.headers)
    if media_type == MULTIPART:
        return await _read_multipart(request)
    if media_type == FORM:
        body = await request.body()
        return await by_size(len(body), _read_urlencoded, body)
    raise UnsupportedBody(f"the request has {media_type or 'no Content-Type'}; send {MULTIPART}")


async def _read_multipart(request: Request) -> Fields:
    files, texts = defaultdict[str, list[bytes]](list), defaultdict[str, list[str]](list)
    service: Service = request.app.state.service
    # Text may be a picture as base64: it is bounded by the body as a whole.
    async with read_form(request, max_text_bytes=service.settings.max_upload_bytes) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name].append(await value.read())
            else:
                texts[name].append(value)
    return Fields(files, texts)


def _read_urlencoded(body: bytes) -> Fields:
    texts = defaultdict[str, list[str]](list)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:  # not UTF-8, or too many fields
        raise MalformedForm("the body is no form, or one of too many fields") from error
    for name, value in pairs:
        texts[name].append(value)
    return Fields({}, texts)


async def read_json(request: Request) -> dict[str, Any]:
    """The object that the body is, whatever its Content-Type. Raises MalformedJson."""
    body = await request.body()
    try:
        found = await by_size(len(body), from_json, body)
    except ValueError as error:
        raise MalformedJson("the body is no JSON") from error
    if not isinstance(found, dict):
        raise MalformedJson("the body is no JSON object")
    return found


def parsed(kind: type[Body], given: Mapping[str, Any]) -> Body:
    """What a JSON object says. Raises BadOption that names each field that is wrong."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        said = (f"{'.'.join(map(str, each['loc']))}: {wording_of(each)}" for each in error.errors())
        raise BadOption("; ".join(said)) from error


async def decode_base64(request: Request, text: str) -> bytes:
    """The bytes of a picture that came as base64, of either alphabet, or as a data URI; they count as in flight.

    Raises UndecodableImage where it is neither, and QueueFull where there is no room for it.
    """
    if permit := exchange_of(request).permit:
        permit.take_bytes(len(text) * 3 // 4)
    return await by_size(len(text), _decode, text)


def _decode(text: str) -> bytes:
    encoded = text.split(",", 1)[-1] if text.startswith("data:") else text
    compact = "".join(encoded.split()).rstrip("=").replace("-", "+").replace("_", "/")
    padded = compact + "=" * (-len(compact) % 4)
    pieces = (padded[start : start + PIECE_CHARACTERS] for start in range(0, len(padded), PIECE_CHARACTERS))
    try:
        return b"".join(binascii.a2b_base64(piece, strict_mode=True) for piece in pieces)
    except (binascii.Error, ValueError) as error:
        raise UndecodableImage("the picture is no base64") from error

"""What a client of OpenAI's edits sends: a form, or JSON with data URIs; and what is refused in it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from service.api.fetching import fetch_picture
from service.api.request_headers import MULTIPART, media_type_of
from service.api.state import Service
from service.doors.reading import decode_base64, read_fields, read_json
from service.errors import BadOption, MissingImage
from service.fetch import is_url

BACKGROUNDS = ("auto", "transparent", "opaque")
FORMATS = ("png", "jpeg", "webp")
SIZE = re.compile(r"auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4}")
IMAGE_FIELD = re.compile(r"images?(\[[0-9]*\])?")

TRUE = ("true", "1")

MAX_IMAGES = 16
"""Of the contract; each may have to be fetched."""


@dataclass(frozen=True)
class EditRequest:
    """As the contract has it, checked."""

    images: Sequence[bytes]
    mask: bytes | None
    prompt: str
    model: str
    background: str
    output_format: str
    compression: int | None
    quality: str
    wants_stream: bool


async def read_edit_request(request: Request, service: Service) -> EditRequest:
    """Raises BadOption, MissingImage and what reading forms and JSON, and fetching, raises."""
    if media_type_of(request.headers) == MULTIPART:
        images, mask, texts = await _read_form(request)
    else:
        images, mask, texts = await _read_object(request, service)
    if not images:
        raise MissingImage("send the picture as a multipart file `image`, or several as `image[]`")
    _check(texts)
    return EditRequest(
        images=images,
        mask=mask,
        prompt=texts.get("prompt", ""),
        model=texts.get("model", ""),
        background=_one_of(texts, "background", BACKGROUNDS),
        output_format=_format(texts),
        compression=_percent(texts, "output_compression"),
        quality=texts.get("quality", ""),
        wants_stream=texts.get("stream", "").lower() in TRUE,
    )


async def _read_form(request: Request) -> tuple[list[bytes], bytes | None, dict[str, str]]:
    fields = await read_fields(request)
    _check_names({*fields.files, *fields.texts})
    images = [file for name, files in fields.files.items() if IMAGE_FIELD.fullmatch(name) for file in files if file]
    for name, texts in fields.texts.items():
        if IMAGE_FIELD.fullmatch(name):
            images += [await decode_base64(request, text) for text in texts if text]
    return images, fields.file("mask"), {name: text.strip() for name, text in fields.last_texts.items()}


async def _read_object(request: Request, service: Service) -> tuple[list[bytes], bytes | None, dict[str, str]]:
    """JSON, where each picture is a data URI or a URL: as it is, or as `{"image_url": ...}`."""
    found = await read_json(request)
    _check_names({name for name, value in found.items() if value is not None})
    given = found.get("images") or found.get("image") or []
    given = given if isinstance(given, list) else [given]
    if len(given) > MAX_IMAGES:
        raise BadOption(f"images: at most {MAX_IMAGES}")
    images = [await _picture(request, service, each) for each in given]
    mask = await _picture(request, service, found["mask"]) if found.get("mask") else None
    return images, mask, {name: _text(value) for name, value in found.items() if _is_plain(value)}


async def _picture(request: Request, service: Service, given: Any) -> bytes:
    text = given.get("image_url") if isinstance(given, Mapping) else given
    if not isinstance(text, str):
        raise BadOption("image: send it as a data URI, `data:image/png;base64,...`")
    if is_url(text):
        return await fetch_picture(request, service, text)
    return await decode_base64(request, text)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_names(given: Collection[str]) -> None:
    if "markup" in given:
        raise BadOption("markup: nothing that is drawn on the picture is read; `mask` says what may be edited")


def _check(texts: Mapping[str, str]) -> None:
    """Raises BadOption for what would change the answer, and cannot be had."""
    if texts.get("n", "1") not in ("", "1"):
        raise BadOption("n: 1, as the same picture and prompt have one answer")
    if texts.get("response_format", "b64_json") not in ("", "b64_json"):
        raise BadOption("response_format: b64_json, as no picture is kept that a URL could lead to")
    if not SIZE.fullmatch(texts.get("size") or "auto"):
        raise BadOption(f"size: auto or WIDTHxHEIGHT, not {texts['size']!r}")


def _one_of(texts: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    value = texts.get(name) or known[0]
    if value not in known:
        raise BadOption(f"{name}: one of {', '.join(known)}, not {value!r}")
    return value


def _format(texts: Mapping[str, str]) -> str:
    value = "jpeg" if texts.get("output_format") == "jpg" else texts.get("output_format", "")
    return _one_of({"output_format": value}, "output_format", FORMATS)


def _percent(texts: Mapping[str, str], name: str) -> int | None:
    value = texts.get(name)
    if not value:
        return None
    if not value.isdecimal() or int(value[:4]) > 100:
        raise BadOption(f"{name}: 0 to 100, not {value!r}")
    return int(value)

"""Reads a request: its pictures from whatever field they came in, and its parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from service.doors.reading import FORM, JSON, MULTIPART, Fields, decode_base64, media_type_of, read_fields, read_json
from service.doors.removebg.failures import (
    BackgroundNotFetched,
    BadParameters,
    ImageNotFetched,
    ManyBackgrounds,
    ManySources,
    NoSource,
)
from service.doors.removebg.parameters import BY_TYPE, Parameters

FILE, BASE64, URL = "image_file", "image_file_b64", "image_url"
BACKGROUND_FILE, BACKGROUND_URL, BACKGROUND_COLOR = "bg_image_file", "bg_image_url", "bg_color"

KNOWN = frozenset(
    (FILE, BASE64, URL, BACKGROUND_FILE, BACKGROUND_URL, BACKGROUND_COLOR, "add_shadow", *Parameters.model_fields)
)
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

NO_SOURCE = f"give the image as `{FILE}`, `{BASE64}` or `{URL}`"
NOT_FETCHED = "this service fetches no URLs; send the picture itself"


@dataclass(frozen=True)
class Wish:
    """What one request wants."""

    image: bytes
    background: bytes | None
    parameters: Parameters
    unknown: Sequence[str]
    """Names of parameters that the contract does not have, as far as they can stand in a header."""


async def read_wish(request: Request) -> Wish:
    """Raises what `service/doors/reading.py` raises, and this door's own failures."""
    files, values = await _read_body(request)
    given = {**request.query_params, **values}
    parameters = _parameters(given)
    _check_backgrounds(files, given)
    return Wish(await _image(request, files, given), files.get(BACKGROUND_FILE), parameters, _unknown(files, given))


async def _read_body(request: Request) -> tuple[Mapping[str, bytes], Mapping[str, Any]]:
    """(files, values), each by name; without those that are empty."""
    media_type = media_type_of(request)
    if media_type == JSON:
        return {}, {name: value for name, value in (await read_json(request)).items() if value not in ("", None)}
    if media_type not in (FORM, MULTIPART):
        raise NoSource(
            f"{NO_SOURCE}, in {MULTIPART}, {FORM} or {JSON}; the request has {media_type or 'no Content-Type'}"
        )
    fields = await read_fields(request)
    return _sorted(fields)


def _sorted(fields: Fields) -> tuple[Mapping[str, bytes], Mapping[str, Any]]:
    files = {name: content for name in fields.files if (content := fields.file(name))}
    texts = {name: text for name in fields.texts if (text := fields.text(name))}
    return files, texts


def _unknown(files: Mapping[str, bytes], given: Mapping[str, Any]) -> list[str]:
    names = [name for name in (*files, *given) if name not in KNOWN and not BY_TYPE.fullmatch(name)]
    return [name for name in names if PLAIN_NAME.fullmatch(name)]


def _parameters(given: Mapping[str, Any]) -> Parameters:
    try:
        return Parameters.model_validate(given)
    except ValidationError as error:
        raise BadParameters.of(error) from error


def _check_backgrounds(files: Mapping[str, bytes], given: Mapping[str, Any]) -> None:
    names = [name for name in (BACKGROUND_COLOR, BACKGROUND_URL) if given.get(name)]
    names += [BACKGROUND_FILE] * (BACKGROUND_FILE in files)
    if len(names) > 1:
        raise ManyBackgrounds(f"{' and '.join(names)}: give one of them")
    if BACKGROUND_URL in names:
        raise BackgroundNotFetched(NOT_FETCHED)


async def _image(request: Request, files: Mapping[str, bytes], given: Mapping[str, Any]) -> bytes:
    names = [FILE] * (FILE in files) + [name for name in (BASE64, URL) if given.get(name)]
    if len(names) > 1:
        raise ManySources(f"{' and '.join(names)}: give one of them")
    match names:
        case ["image_file"]:
            return files[FILE]
        case ["image_file_b64"]:
            return await decode_base64(request, str(given[BASE64]))
        case ["image_url"]:
            raise ImageNotFetched(NOT_FETCHED)
    raise NoSource(NO_SOURCE)

"""Reads a request: its pictures from whatever field they came in, and its parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from service.api.fetching import fetch_picture
from service.api.state import Service
from service.doors.reading import FORM, JSON, MULTIPART, Fields, decode_base64, media_type_of, read_fields, read_json
from service.doors.removebg.failures import (
    BackgroundNotFetched,
    BadBackgroundUrl,
    BadImageUrl,
    BadParameters,
    ImageNotFetched,
    ManyBackgrounds,
    ManySources,
    NoSource,
)
from service.doors.removebg.parameters import BY_TYPE, Parameters
from service.errors import FetchFailed, FetchingOff, UrlRefused

FILE, BASE64, URL = "image_file", "image_file_b64", "image_url"
BACKGROUND_FILE, BACKGROUND_URL, BACKGROUND_COLOR = "bg_image_file", "bg_image_url", "bg_color"
FILES = (FILE, BACKGROUND_FILE)

KNOWN = frozenset(
    (FILE, BASE64, URL, BACKGROUND_FILE, BACKGROUND_URL, BACKGROUND_COLOR, "add_shadow", *Parameters.model_fields)
)
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

NO_SOURCE = f"give the image as `{FILE}`, `{BASE64}` or `{URL}`"


@dataclass(frozen=True)
class Wish:
    """What one request wants."""

    image: bytes
    background: bytes | None
    parameters: Parameters
    unknown: Sequence[str]
    """Names of parameters that the contract does not have, as far as they can stand in a header."""


async def read_wish(request: Request, service: Service) -> Wish:
    """Raises what `service/doors/reading.py` and the fetching of pictures raise, and this door's own failures."""
    files, values = await _read_body(request)
    given = {**request.query_params, **values}
    parameters = _parameters(given)
    sources = _sources((FILE, BASE64, URL), files, given)
    if len(sources) != 1:
        raise ManySources(f"{' and '.join(sources)}: give one of them") if sources else NoSource(NO_SOURCE)
    backgrounds = _sources((BACKGROUND_COLOR, BACKGROUND_FILE, BACKGROUND_URL), files, given)
    if len(backgrounds) > 1:
        raise ManyBackgrounds(f"{' and '.join(backgrounds)}: give one of them")
    image = await _image(request, service, files, given)
    background = await _background(request, service, files, given)
    return Wish(image, background, parameters, _unknown(files, given))


def _sources(names: Sequence[str], files: Mapping[str, bytes], given: Mapping[str, Any]) -> list[str]:
    return [name for name in names if files.get(name) or (name not in FILES and given.get(name))]


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


async def _image(request: Request, service: Service, files: Mapping[str, bytes], given: Mapping[str, Any]) -> bytes:
    if FILE in files:
        return files[FILE]
    if text := given.get(BASE64):
        return await decode_base64(request, str(text))
    try:
        return await fetch_picture(request, service, str(given[URL]))
    except UrlRefused as failure:
        raise BadImageUrl(failure.detail) from failure
    except (FetchingOff, FetchFailed) as failure:
        raise ImageNotFetched(failure.detail) from failure


async def _background(
    request: Request, service: Service, files: Mapping[str, bytes], given: Mapping[str, Any]
) -> bytes | None:
    if not given.get(BACKGROUND_URL):
        return files.get(BACKGROUND_FILE)
    try:
        return await fetch_picture(request, service, str(given[BACKGROUND_URL]))
    except UrlRefused as failure:
        raise BadBackgroundUrl(failure.detail) from failure
    except (FetchingOff, FetchFailed) as failure:
        raise BackgroundNotFetched(failure.detail) from failure

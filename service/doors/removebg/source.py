"""Reads a request: its pictures from whatever field they came in, and its parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from service.api.fetching import fetch_picture
from service.api.request_headers import MULTIPART, media_type_of
from service.api.state import Service
from service.doors.reading import FORM, JSON, Fields, decode_base64, read_fields, read_json
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
from service.errors import BadOption, FetchFailed, FetchingOff, UrlRefused

FILE, BASE64, URL = "image_file", "image_file_b64", "image_url"
BACKGROUND_FILE, BACKGROUND_URL, BACKGROUND_COLOR = "bg_image_file", "bg_image_url", "bg_color"
FILES = (FILE, BACKGROUND_FILE)

KNOWN = frozenset((BASE64, URL, BACKGROUND_URL, BACKGROUND_COLOR, "add_shadow", *Parameters.model_fields))
MAX_UNKNOWN = 20
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


@dataclass(frozen=True)
class Body:
    """What a request has, by name, without what is empty."""

    pictures: Mapping[str, bytes]
    """Under the names in `FILES`."""
    values: Mapping[str, Any]

    def only(self, names: Sequence[str], too_many: type[BadOption]) -> str | None:
        """The one of them that is there; None where none is. Raises `too_many`."""
        found = [name for name in names if name in self.pictures or name in self.values]
        if len(found) > 1:
            raise too_many(f"{' and '.join(found)}: give one of them")
        return found[0] if found else None

    def unknown(self) -> Sequence[str]:
        names = [name for name in self.values if name not in KNOWN and not BY_TYPE.fullmatch(name)]
        return [name for name in names if PLAIN_NAME.fullmatch(name)][:MAX_UNKNOWN]


async def read_wish(request: Request, service: Service) -> Wish:
    """Raises what `service/doors/reading.py` and the fetching of pictures raise, and this door's own failures."""
    body = await _read_body(request)
    parameters = _parameters(body.values)
    source = body.only((FILE, BASE64, URL), ManySources)
    if source is None:
        raise NoSource(NO_SOURCE)
    behind = body.only((BACKGROUND_COLOR, BACKGROUND_FILE, BACKGROUND_URL), ManyBackgrounds)
    image = await _image(request, service, body, source)
    background = body.pictures.get(BACKGROUND_FILE)
    if behind == BACKGROUND_URL:
        background = await _fetched(request, service, body.values[behind], BadBackgroundUrl, BackgroundNotFetched)
    return Wish(image, background, parameters, body.unknown())


async def _read_body(request: Request) -> Body:
    """Parameters may stand in the query as well."""
    media_type = media_type_of(request.headers)
    files: dict[str, bytes] = {}
    if media_type == JSON:
        values = await read_json(request)
    elif media_type in (FORM, MULTIPART):
        files, values = _sorted(await read_fields(request))
    else:
        said = media_type or "no Content-Type"
        raise NoSource(f"{NO_SOURCE}, in {MULTIPART}, {FORM} or {JSON}; the request has {said}")
    given = {**request.query_params, **values}
    return Body(files, {name: value for name, value in given.items() if value not in ("", None) and name not in FILES})


def _sorted(fields: Fields) -> tuple[dict[str, bytes], dict[str, Any]]:
    """(pictures, values). What is sent as a file, and is no picture, is text: browsers send a Blob so."""
    files = {name: content for name in fields.files if (content := fields.file(name))}
    sent_as_files = {name: content.decode(errors="replace") for name, content in files.items() if name not in FILES}
    return {name: files[name] for name in FILES if name in files}, {**sent_as_files, **fields.last_texts}


def _parameters(given: Mapping[str, Any]) -> Parameters:
    try:
        return Parameters.model_validate(given)
    except ValidationError as error:
        raise BadParameters.of(error) from error


async def _image(request: Request, service: Service, body: Body, source: str) -> bytes:
    match source:
        case "image_file":
            return body.pictures[FILE]
        case "image_file_b64":
            return await decode_base64(request, str(body.values[BASE64]))
        case _:
            return await _fetched(request, service, body.values[URL], BadImageUrl, ImageNotFetched)


async def _fetched(
    request: Request, service: Service, url: Any, refused: type[BadOption], failed: type[BadOption]
) -> bytes:
    """The picture at a URL. Raises `refused` where it is none that is fetched, and `failed` where it did not come."""
    try:
        return await fetch_picture(request, service, str(url))
    except UrlRefused as failure:
        raise refused(failure.detail) from failure
    except (FetchingOff, FetchFailed) as failure:
        raise failed(failure.detail) from failure

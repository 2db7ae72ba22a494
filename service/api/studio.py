"""The studio: one static page at `/`, its files under `/studio/`, and the headers that keep it on a short lead.

The page is in `service/studio/`: plain HTML, CSS and ES modules, served as they lie there. It uses nothing but the
endpoints that everybody has.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).resolve().parent.parent / "studio"

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
"""What is none of these is not served."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",  # blob: the pictures that were chosen, and the results
    "media-src": "blob:",  # a video file in the place of a camera
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",  # no text ever becomes HTML
    "trusted-types": "'none'",
}
"""Source: https://www.w3.org/TR/CSP3/."""

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache",  # keep it, and ask each time whether it still holds: the answer is 304 and empty
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class StudioFile:
    """A file of the page, as it is sent."""

    content: bytes
    media_type: str
    tag: str
    """Its entity tag (RFC 9110), from what is in it."""


router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    return _send(request, files()["index.html"])


@router.api_route("/studio/{name:path}", methods=["GET", "HEAD"])
async def asset(name: str, request: Request) -> Response:
    if name not in files():
        raise HTTPException(HTTPStatus.NOT_FOUND, f"the studio has no file {name!r}")
    return _send(request, files()[name])


@cache
def files() -> Mapping[str, StudioFile]:
    """Read once, all of them: a request cannot name any other."""
    return read_files(FOLDER)


def read_files(folder: Path) -> Mapping[str, StudioFile]:
    """Every file that the page consists of, by its path below `folder`."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> StudioFile:
    content = path.read_bytes()
    return StudioFile(content, MEDIA_TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _send(request: Request, file: StudioFile) -> Response:
    headers = {**HEADERS, "ETag": file.tag}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)

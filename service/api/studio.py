"""The studio: one static page at `/`, its files under `/studio/`, and the headers that keep it on a short lead.

The page is in `service/studio/`: plain HTML, CSS and ES modules, served as they lie there. It uses nothing but the
endpoints that everybody has.
"""

import gzip
import os
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

from service.api.ranges import pass_over_bad_range

FOLDER = Path(__file__).resolve().parent.parent / "studio"

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
"""What is none of these is not served."""

ZIPPED = {".html", ".css", ".js", ".svg"}
"""What becomes smaller: the studio's JavaScript travels in two fifths of its bytes."""

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


class StudioFiles(StaticFiles):
    """Starlette's, with `HEADERS`, and of `MEDIA_TYPES` only."""

    def __init__(self, folder: Path) -> None:
        # Some installers link the files of a package to their cache instead of copying them.
        super().__init__(directory=folder, check_dir=False, follow_symlink=True)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return super().lookup_path(path) if Path(path).suffix in MEDIA_TYPES else ("", None)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        if response.status_code == HTTPStatus.OK:
            response.headers["Content-Type"] = MEDIA_TYPES[Path(full_path).suffix]  # not what the system's table says
        return _zipped(response, Path(full_path), stat_result) if _can_zip(scope, Path(full_path)) else response


def _can_zip(scope: Scope, path: Path) -> bool:
    return path.suffix in ZIPPED and "gzip" in Headers(scope=scope).get("Accept-Encoding", "")


def _zipped(response: Response, path: Path, stat_result: os.stat_result) -> Response:
    """The same in fewer bytes. Its tag is weak, as the file's other form has it too (RFC 9110, 8.8.1)."""
    response.headers["ETag"] = f"W/{response.headers['ETag']}"
    response.headers["Vary"] = "Accept-Encoding"
    if response.status_code != HTTPStatus.OK:
        return response
    body = _compressed(path, stat_result.st_mtime_ns)
    kept = {name: value for name, value in response.headers.items() if name not in ("content-length", "accept-ranges")}
    return Response(body, headers={**kept, "Content-Encoding": "gzip"})


@lru_cache(maxsize=128)
def _compressed(path: Path, mtime_ns: int) -> bytes:
    """The file of that time; the largest takes 1 ms."""
    return gzip.compress(path.read_bytes(), mtime=0)


files = StudioFiles(FOLDER)


async def _file(name: str, scope: Scope) -> Response:
    pass_over_bad_range(scope)
    return await files.get_response(name, scope)


router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    return await _file("index.html", request.scope)


@router.api_route("/studio/{name:path}", methods=["GET", "HEAD"])
async def asset(name: str, request: Request) -> Response:
    try:
        return await _file(name, request.scope)
    except HTTPException:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"the studio has no file {name!r}") from None

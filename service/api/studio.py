"""The studio: one static page at `/`, its files under `/studio/`, and the headers that keep it on a short lead.

The page is in `service/studio/`: plain HTML, CSS and ES modules, served as they lie there. It uses nothing but the
endpoints that everybody has.
"""

import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

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
        return response


files = StudioFiles(FOLDER)

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    return await files.get_response("index.html", request.scope)


@router.api_route("/studio/{name:path}", methods=["GET", "HEAD"])
async def asset(name: str, request: Request) -> Response:
    try:
        return await files.get_response(name, request.scope)
    except HTTPException:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"the studio has no file {name!r}") from None

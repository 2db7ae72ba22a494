"""Multipart forms as clients really send them.

Some clients (OkHttp, aiohttp, .NET, Dart) leave `filename` out of a part that is a file, or give `filename*` alone. By
the letter such a part is text, of 1 MB at most; by its type it is a picture. Others begin with a line for people, which
RFC 2046 allows and the parser does not.
"""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.errors import BadOption, MalformedForm

MAX_FORM_FILES = 8
MAX_FORM_FIELDS = 64

Value = TypeVar("Value")
MAX_TEXT_BYTES = 1024 * 1024
"""Of one part that is no file."""

MAX_PREAMBLE_BYTES = 65_536
NO_BOUNDARY = "the boundary that its Content-Type names is nowhere in it"

UNNAMED = b'; filename="unnamed"'


class PartOnDisk(UploadFile):
    """A file of a form, written to `path` as it comes; it is not open in between, as there may be a thousand."""

    def __init__(self, path: Path, filename: str | None) -> None:
        super().__init__(io.BytesIO(), filename=filename)
        self.path = path
        path.touch()

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self._append, data)

    async def seek(self, offset: int) -> None:
        """The parser's last word to a file, which it would read again."""

    def _append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)


class _Parser(MultiPartParser):
    """Takes a part for a file whose type says so, and keeps every file in memory: there is room booked for it.

    Where it has a folder, its files go there.
    """

    folder: Path | None = None

    spool_max_size = 0
    """No limit. Beyond a megabyte Starlette writes a file to disk, only to read all of it again."""

    def on_headers_finished(self) -> None:
        part = self._current_part
        types = [value.lower() for name, value in part.item_headers if name == b"content-type"]
        if any(map(_is_a_file, types)) and not _has_filename(part.content_disposition):
            part.content_disposition = (part.content_disposition or b"") + UNNAMED
        super().on_headers_finished()
        if self.folder is not None and part.file is not None:
            self._files_to_close_on_error.pop().close()
            part.file = PartOnDisk(self.folder / f"part-{self._current_files}", part.file.filename)


def _has_filename(disposition: bytes | None) -> bool:
    _, options = parse_options_header(disposition)
    return b"filename" in options


def _is_a_file(media_type: bytes) -> bool:
    return media_type.startswith((b"image/", b"video/", b"application/octet-stream"))


async def _from_the_first_part(request: Request) -> AsyncGenerator[bytes, None]:
    """The body without what stands before its first boundary. Raises MalformedForm where that goes on for too long."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = b"--" + options.get(b"boundary", b"")
    before = b""
    stream = request.stream()
    async for chunk in stream:
        before += chunk
        start = before.find(boundary)
        if start >= 0:
            yield before[start:]
            break
        if len(before) > MAX_PREAMBLE_BYTES:
            raise MalformedForm(NO_BOUNDARY)
    else:
        raise MalformedForm(NO_BOUNDARY)
    async for chunk in stream:
        yield chunk


@asynccontextmanager
async def read_form(
    request: Request,
    max_text_bytes: int = MAX_TEXT_BYTES,
    max_memory_bytes: int = 0,
    *,
    max_files: int = MAX_FORM_FILES,
    max_fields: int = MAX_FORM_FIELDS,
    folder: Path | None = None,
) -> AsyncIterator[FormData]:
    """The form, whose files are closed in the end; those above `max_memory_bytes` are on disk, unless that is 0. With
    a `folder` each of them is a `PartOnDisk` there.

    Raises MalformedForm.
    """
    parser = _Parser(
        request.headers,
        _from_the_first_part(request),
        max_files=max_files,
        max_fields=max_fields,
        max_part_size=max_text_bytes,
    )
    parser.spool_max_size = max_memory_bytes
    parser.folder = folder
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedForm(error.message) from error
    try:
        yield form
    finally:
        await form.close()


def only_once(entries: list[tuple[str, Value]]) -> dict[str, Value]:
    """Options or files by their names. Raises BadOption for what is given twice, and for far too many."""
    if len(entries) > MAX_FORM_FIELDS:
        raise BadOption(f"more than {MAX_FORM_FIELDS} options")
    times = Counter(name for name, _ in entries)
    if twice := [name for name, count in times.items() if count > 1]:
        raise BadOption(f"given more than once: {', '.join(sorted(twice))}")
    return dict(entries)

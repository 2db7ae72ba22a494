"""Pictures as an agent on this machine gives them, and where it wants results."""

import asyncio
import base64
import binascii
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from service.errors import BadOption, MissingImage, TooManyBytes, UndecodableImage
from service.fetch import is_url

HELP = "the path of a file, or base64, or a data URI"

LONGEST_SHOWN = 200
"""Of what was taken for a path, in a message: it may be a picture."""

LONGEST_NAME, LONGEST_PATH = 64, 4096


async def read_picture(text: str, max_bytes: int) -> bytes:
    """Raises MissingImage for a file that cannot be read, TooManyBytes or UndecodableImage."""
    return await asyncio.to_thread(_read, text.strip(), max_bytes)


async def save(content: bytes, save_to: str) -> str:
    """The path of the new file. Raises BadOption where there is one, or none can be."""
    return await asyncio.to_thread(_save, content, save_to)


def _save(content: bytes, save_to: str) -> str:
    path = Path(save_to).expanduser()
    try:
        _write_new(path, content)
    except FileExistsError:
        raise BadOption(f"save_to: {path} is there already, and no file is overwritten; choose another name") from None
    except (OSError, ValueError) as error:
        raise BadOption(f"save_to: {error}") from error
    return str(path.absolute())


def _write_new(path: Path, content: bytes) -> None:
    """Raises OSError, and FileExistsError where there is one. Of what does not fit, nothing is left."""
    with path.open("xb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            path.unlink()
            raise


def _read(text: str, max_bytes: int) -> bytes:
    if is_url(text):
        raise MissingImage("nothing is fetched: save the picture, and give the path of the file")
    path = None if text.startswith("data:") else _path(text)
    content = _decoded(text) if path is None else _content(path, max_bytes)
    if len(content) > max_bytes:
        raise TooManyBytes(f"the picture has more than {max_bytes} bytes")
    return content


def _path(text: str) -> Path | None:
    """None for what looks like base64: that has no dot, and is longer than a name."""
    if text.startswith("file:"):
        return Path(unquote(urlsplit(text).path))
    is_path = "." in text or len(text) <= LONGEST_NAME or (len(text) <= LONGEST_PATH and os.path.isfile(text))
    return Path(text).expanduser() if is_path else None


def _content(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        raise MissingImage(f"{str(path)[:LONGEST_SHOWN]}: {error.strerror}") from None
    except ValueError:  # a NUL in it
        raise MissingImage("that is no path of a file") from None


def _decoded(text: str) -> bytes:
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableImage("the picture is neither a path nor base64") from error

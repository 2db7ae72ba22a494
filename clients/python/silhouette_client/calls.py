"""What is sent for each method of a client, and how its answer is read: what `Client` and `AsyncClient` share.

Neither waits here for the service. Building a call may read files.
"""

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx2

from silhouette_client.answers import Job, Result
from silhouette_client.attempts import Attempts
from silhouette_client.errors import JobFailed, checked
from silhouette_client.options import PICTURES, Picture

CONNECT_TIMEOUT_S = 5.0

GRACE_S = 1.0
"""More than the service has, so that it is the service who says what took so long."""

BULK = {"Priority": "u=5"}
"""RFC 9218: whoever waits for one picture goes before a batch."""

Answer = TypeVar("Answer")
Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request, ready to be sent any number of times."""

    method: Method
    path: str
    read: Callable[[httpx2.Response], Answer]
    """Of an answer that is a success."""
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes | BinaryIO] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, attempts: Attempts) -> dict[str, Any]:
        """For httpx2's `request`."""
        left_s = attempts.left_s
        timeout = httpx2.Timeout(left_s + GRACE_S, connect=min(CONNECT_TIMEOUT_S, left_s))
        headers = {**self.headers, "X-Request-Timeout-Ms": str(int(left_s * 1000) or 1)}
        for file in self.files.values():
            if not isinstance(file, bytes):
                file.seek(0)  # it may have been sent before
        body = {"data": self.fields, "files": self.files} if self.files else {}
        return {"method": self.method, "url": self.path, "headers": headers, "timeout": timeout, **body}

    def answer(self, response: httpx2.Response) -> Answer:
        """Raises SilhouetteError where it is none."""
        return self.read(checked(response))


# --- pictures ---------------------------------------------------------------------------------------------------------


def operation_on(
    image: Picture, operation: str, options: Mapping[str, Any], headers: Mapping[str, str] = {}
) -> Call[Result]:
    fields, pictures = _told(options)
    return Call("POST", operation, _result, fields, {"image": read_picture(image), **pictures}, headers)


def job_of(image: Picture, operation: str, options: Mapping[str, Any]) -> Call[Job]:
    """Sent twice, it is one job all the same."""
    fields, pictures = _told(options)
    headers = {"Prefer": "respond-async", "Idempotency-Key": uuid.uuid4().hex}
    return Call("POST", operation, _job, fields, {"image": read_picture(image), **pictures}, headers)


# --- films and jobs ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def film_job(film: Picture, options: Mapping[str, Any]) -> Iterator[Call[Job]]:
    """A film is read while it is sent, and never in memory as a whole: it is open as long as this is."""
    fields, pictures = _told(options)
    with contextlib.ExitStack() as opened:
        if isinstance(film, str | os.PathLike):
            film = opened.enter_context(Path(film).open("rb"))
        yield Call("POST", "videos", _job, fields, {"video": film, **pictures})


def progress_of(job: Job | str) -> Call[Job]:
    return Call("GET", _path_of(job), _job)


def cancellation_of(job: Job | str) -> Call[Job]:
    return Call("DELETE", _path_of(job), _job)


def result_of(job: Job) -> Call[Result]:
    """Raises JobFailed where it has none."""
    if job.state != "done":
        failure = job.told.get("failure") or {"code": job.state, "detail": f"the job is {job.state}"}
        raise JobFailed(failure["code"], failure["detail"])
    return Call("GET", f"{_path_of(job)}/result", _result)


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """What is written has its name only once it is whole, and is gone where that fails."""
    target = Path(path)
    if target.exists() and not target.is_file():  # a pipe, or a device
        with target.open("wb") as file:
            yield file
        return
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


# --- models -----------------------------------------------------------------------------------------------------------


def served_models() -> Call[list[dict[str, Any]]]:
    return Call("GET", "models", _json)


def load_of(model: str) -> Call[dict[str, Any]]:
    return Call("POST", _path_of_model(model), _json)


def unload_of(model: str) -> Call[None]:
    return Call("DELETE", _path_of_model(model), _nothing)


def choice_of(model: str) -> Call[dict[str, Any]]:
    return Call("PUT", f"{_path_of_model(model)}/default", _json)


# --- what callers give ------------------------------------------------------------------------------------------------


def read_picture(picture: Picture) -> bytes:
    """The bytes of what callers give."""
    if isinstance(picture, str | os.PathLike):
        return Path(picture).read_bytes()
    return picture if isinstance(picture, bytes | bytearray | memoryview) else picture.read()


def with_pictures_read(options: Mapping[str, Any]) -> dict[str, Any]:
    """For a batch: what is a file can be read once only."""
    return {name: read_picture(value) if name in PICTURES and value else value for name, value in options.items()}


def named(pictures: Mapping[str, Picture] | Iterable[Picture | tuple[str, Picture]]) -> Iterator[tuple[str, Picture]]:
    """A batch's pictures with their names: those of a mapping or of pairs, else the path, else the number."""
    if isinstance(pictures, Mapping):
        yield from pictures.items()
        return
    for number, picture in enumerate(pictures):
        if isinstance(picture, tuple):
            yield picture
        else:
            yield str(picture) if isinstance(picture, str | os.PathLike) else str(number), picture


def _told(options: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, bytes]]:
    """Those that are text, and those that are pictures. None is not told."""
    given = {name: value for name, value in options.items() if value is not None}
    pictures = {name: read_picture(given.pop(name)) for name in PICTURES if name in given}
    return {name: _text(value) for name, value in given.items()}, pictures


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(value)
    return value if isinstance(value, str) else ",".join(map(str, value)) if isinstance(value, Iterable) else str(value)


def _path_of(job: Job | str) -> str:
    return f"jobs/{job.id if isinstance(job, Job) else job}"


def _path_of_model(name: str) -> str:
    return f"models/{quote(name, safe='')}"


# --- what the service answers -----------------------------------------------------------------------------------------


def _result(response: httpx2.Response) -> Result:
    return Result(response.content, response.headers)


def _job(response: httpx2.Response) -> Job:
    return Job(response.json())


def _json(response: httpx2.Response) -> Any:
    return response.json()


def _nothing(response: httpx2.Response) -> None:
    """It is in the status."""

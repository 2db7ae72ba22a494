"""Asks a Silhouette service for masks, cutouts and new backgrounds. `Client` is sync, `AsyncClient` is for asyncio.

    with Client("http://127.0.0.1:8000", key="sil_...") as silhouette:
        silhouette.remove_background("photo.jpg", format="webp").save("cutout.webp")
        classes = silhouette.segment(photo_bytes, output="masks", format="json").json()
        film = silhouette.wait(silhouette.send_video("talk.mp4"), on_progress=lambda job: print(job.done, job.total))
        silhouette.save_result(film, "talk.webm")

A picture is a path, its bytes, or a file opened for reading bytes. Options are those of the service, by their names;
its `/docs` describes them. What goes wrong is a SilhouetteError with `code`, `detail`, `status` and `request_id`:

    InputError          change the request (NoForeground: there is no subject in the picture)
    AccessError         the key is missing, unknown, or not good for this
    Busy                no room, or the key's quota is used up, for as long as the request could wait
    Late                no answer in time
    ServiceFault        the service failed
    ConnectionFailed    nobody answered
    JobFailed           a film has no result, and will have none

A busy service and a lost connection are asked again, after what `Retry-After` says, within the time of the request.
"""

import asyncio
import contextlib
import email.utils
import io
import json
import os
import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, Literal, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import httpx2

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

__version__ = "0.1.0"

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 5.0

CONNECTION_TRIES = 3
"""Then the address is wrong, or the service is away for longer."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 8.0
"""Between two tries where nobody says when to come back: twice as long each time, and half of it by chance."""

BULK = {"Priority": "u=5"}
"""RFC 9218: whoever waits for one picture goes before a batch."""

POLL_S = 0.5
"""How often `wait` asks how far a film is."""

CHUNK_BYTES = 1 << 20

Picture = str | os.PathLike[str] | bytes | BinaryIO
Fit = Literal["cover", "contain", "stretch", "tile"]
PictureFormat = Literal["png", "webp", "jpeg"]


Hints = str | Mapping[str, Any]
"""Points, boxes and strokes in pixels of the upright photo: as JSON, or what it stands for."""


# --- options ----------------------------------------------------------------------------------------------------------


class Options(TypedDict, total=False):
    """Of every operation."""

    model: str
    quality: int
    compression: Literal["fast", "small"]
    refine: Literal["auto", "off", "on"]
    allow_empty: bool
    hints: Hints
    keep_mask: Picture
    remove_mask: Picture
    matte: Picture


class SegmentOptions(Options, total=False):
    format: Literal["png", "webp", "jpeg", "json", "npz", "zip"]
    output: Literal["labels", "mask", "masks", "overlay", "confidence", "summary"]
    classes: Sequence[str]
    encoding: Literal["png", "rle", "polygons", "simple-polygons", "cvat", "label-studio"]
    opacity: float
    threshold: float


class EffectOptions(Options, total=False):
    """Of everything that separates a subject from its background."""

    format: PictureFormat
    effort: Literal["fast", "balanced", "best"]
    keep: Sequence[str]
    shift_edge: float
    feather: float


class RemoveBackgroundOptions(EffectOptions, total=False):
    decontaminate: bool
    output: Literal["cutout", "matte"]
    crop: bool
    margin: str


class ReplaceBackgroundOptions(EffectOptions, total=False):
    decontaminate: bool
    background: Picture
    color: str
    fit: Fit
    light_wrap: float


class BlurBackgroundOptions(EffectOptions, total=False):
    strength: float


class ColorPopOptions(EffectOptions, total=False):
    saturation: float


class ProductShotOptions(EffectOptions, total=False):
    decontaminate: bool
    preset: Literal[
        "marketplace-white", "marketplace-shadow", "passport-35x45", "passport-2x2", "social-4x5", "story-9x16"
    ]
    size: str
    aspect: str
    padding: str
    position: str
    scale: float
    upscale: bool
    background: Picture
    color: str
    fit: Fit
    shadow: Literal["none", "drop", "contact"]
    shadow_opacity: float


class VideoOptions(TypedDict, total=False):
    """Of films, beside the options of their effect: `color`, `strength`, `keep`, `model` and the others."""

    effect: Literal["remove-background", "replace-background", "blur-background", "color-pop"]
    format: Literal["webm", "mov", "mp4", "zip", "gif", "webp"]
    quality: int
    speed: Literal["fastest", "balanced", "smallest"]
    smoothing: float


Operation = Literal[
    "segment", "remove-background", "replace-background", "blur-background", "color-pop", "product-shot"
]

PICTURES = ("background", "keep_mask", "remove_mask", "matte")
"""Options that are pictures."""


# --- answers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What the service made of a picture."""

    content: bytes
    """The file: PNG, WebP, JPEG, JSON, NPZ or ZIP, as `media_type` says."""
    headers: httpx2.Headers

    @property
    def media_type(self) -> str:
        return self.headers["Content-Type"].partition(";")[0]

    @property
    def request_id(self) -> str:
        """Under which the service's log tells of it."""
        return self.headers.get("X-Request-Id", "")

    @property
    def model(self) -> str:
        """Name and version of the network."""
        return self.headers.get("X-Model", "")

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(left, top, width, height) of the subject in the photo, in pixels; of effects, where there is one."""
        sides = [self.headers.get(f"X-Foreground-{side}") for side in ("Left", "Top", "Width", "Height")]
        left, top, width, height = (int(side or 0) for side in sides)
        return None if None in sides else (left, top, width, height)

    def json(self) -> Any:
        return json.loads(self.content)

    def save(self, path: str | os.PathLike[str]) -> None:
        Path(path).write_bytes(self.content)

    def image(self) -> "Image":
        """For those who have Pillow."""
        from PIL import Image

        image = Image.open(io.BytesIO(self.content))
        image.load()
        return image

    def array(self) -> "NDArray[Any]":
        """For those who have Pillow and numpy: (height, width) or (height, width, channels), uint8.

        Of a label map, the class ids; 255 is none.
        """
        import numpy as np

        return np.asarray(self.image())


@dataclass(frozen=True)
class Job:
    """A film, or a picture, that the service works on, or has; `told` is all that it says of it."""

    told: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.told["id"])

    @property
    def state(self) -> Literal["queued", "running", "done", "failed", "cancelled"]:
        state: Literal["queued", "running", "done", "failed", "cancelled"] = self.told["state"]
        return state

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def done(self) -> int:
        """Frames, of `total`."""
        return int(self.told["progress"]["done"])

    @property
    def total(self) -> int | None:
        """None as long as nobody knows."""
        total: int | None = self.told["progress"]["total"]
        return total


class SilhouetteError(Exception):
    """No result."""

    def __init__(
        self, code: str, detail: str, status: int | None = None, request_id: str = "", again_s: float | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        """Stable: what to match on."""
        self.detail = detail
        self.status = status
        """None where the service has not answered."""
        self.request_id = request_id
        """Under which the service's log tells of it."""
        self.retry_after_s = again_s


class InputError(SilhouetteError):
    """The request has to be changed."""


class NoForeground(InputError):
    """There is no subject in the picture; `allow_empty=True` asks for the empty result."""


class AccessError(SilhouetteError):
    """The key is missing, unknown, or not good for this."""


class Busy(SilhouetteError):
    """The service has no room, or the key's quota is used up."""


class Late(SilhouetteError):
    """No answer within the time of the request."""


class ServiceFault(SilhouetteError):
    """The service failed; its log has the cause under `request_id`."""


class ConnectionFailed(SilhouetteError):
    """Nobody answered, or the connection was lost."""


class JobFailed(SilhouetteError):
    """A job has no result, and will have none."""


KINDS: Mapping[int, type[SilhouetteError]] = {
    401: AccessError,
    403: AccessError,
    429: Busy,
    502: Busy,  # what a proxy says while the service behind it starts
    503: Busy,
    504: Late,
}
"""By status; others below 500 are an InputError, and from there on a ServiceFault."""


def _error_in(response: httpx2.Response) -> SilhouetteError:
    problem, status = _problem(response), response.status_code
    code = str(problem.get("code") or response.reason_phrase.lower().replace(" ", "_"))
    detail = str(problem.get("detail") or f"the service answers {status}")
    request_id = str(problem.get("request_id") or response.headers.get("X-Request-Id", ""))
    kind = KINDS.get(status, InputError if status < 500 else ServiceFault)
    kind = NoForeground if code == "no_foreground" else kind
    return kind(code, detail, status, request_id, _retry_after_s(response.headers.get("Retry-After")))


def _problem(response: httpx2.Response) -> dict[str, Any]:
    """The problem document (RFC 9457); nothing where somebody else answered."""
    with contextlib.suppress(ValueError):
        document = response.json()
        return document if isinstance(document, dict) else {}
    return {}


def _retry_after_s(header: str | None) -> float | None:
    """Of RFC 9110, 10.2.3: seconds or a date; None where it says neither."""
    if header is None or header.strip().isdecimal():
        return None if header is None else float(header)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, (email.utils.parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    return None


# --- asking -----------------------------------------------------------------------------------------------------------


class _Attempts:
    """When to ask again, and until when."""

    def __init__(self, timeout_s: float) -> None:
        self._ends_s = time.monotonic() + timeout_s
        self._connections_left = CONNECTION_TRIES
        self._pause_s = FIRST_PAUSE_S

    @property
    def left_s(self) -> float:
        """At least a millisecond, for there is always a first try."""
        return max(0.001, self._ends_s - time.monotonic())

    def pause_s(self, error: SilhouetteError) -> float:
        """Before the next try. Raises `error` where there is none: it would not help, or not in time."""
        self._connections_left -= isinstance(error, ConnectionFailed)
        if not isinstance(error, Busy | ConnectionFailed) or not self._connections_left:
            raise error
        told_s = error.retry_after_s
        chance_s = self._pause_s * random.uniform(0.5, 1.0)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        # Those who were told the same moment do not all come back at it.
        wait_s = chance_s if told_s is None else told_s + min(chance_s, 1.0)
        if wait_s >= self.left_s:
            raise error
        return wait_s


@dataclass(frozen=True)
class _Question:
    """One request, ready to be asked any number of times."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    fields: Mapping[str, str]
    files: Mapping[str, bytes | BinaryIO]
    headers: Mapping[str, str]

    def arguments(self, attempts: _Attempts) -> dict[str, Any]:
        """For httpx2's `request`."""
        left_s = attempts.left_s
        # A second more than the service has, so that it is the service who says what took so long.
        timeout = httpx2.Timeout(left_s + 1.0, connect=min(CONNECT_TIMEOUT_S, left_s))
        headers = {**self.headers, "X-Request-Timeout-Ms": str(int(left_s * 1000) or 1)}
        for file in self.files.values():
            if not isinstance(file, bytes):
                file.seek(0)  # it may have been sent before
        body = {"data": self.fields, "files": self.files} if self.files else {}
        return {"method": self.method, "url": self.path, "headers": headers, "timeout": timeout, **body}


def _question(operation: str, image: Picture, options: Mapping[str, Any], headers: Mapping[str, str]) -> _Question:
    given = {name: value for name, value in options.items() if value is not None}
    files = {"image": read_picture(image)} | {name: read_picture(given.pop(name)) for name in PICTURES if name in given}
    fields = {name: _text(value) for name, value in given.items()}
    return _Question("POST", operation, fields, files, headers)


def _about_model(method: Literal["POST", "PUT", "DELETE"], name: str, what: str = "") -> _Question:
    return _Question(method, f"models/{quote(name, safe='')}{what}", {}, {}, {})


@contextlib.contextmanager
def _film_question(film: Picture, options: Mapping[str, Any]) -> Iterator[_Question]:
    """A film is read while it is sent, and never in memory as a whole."""
    given = {name: value for name, value in options.items() if value is not None}
    pictures = {name: read_picture(given.pop(name)) for name in ("background", "matte") if name in given}
    fields = {name: _text(value) for name, value in given.items()}
    with contextlib.ExitStack() as opened:
        is_path = isinstance(film, str | os.PathLike)
        content = opened.enter_context(Path(film).open("rb")) if is_path else film  # type: ignore[arg-type]
        yield _Question("POST", "videos", fields, {"video": content, **pictures}, {})  # type: ignore[dict-item]


def _submission(operation: str, image: Picture, options: Mapping[str, Any]) -> _Question:
    """A request for a job: sent twice, it is one all the same."""
    return _question(operation, image, options, {"Prefer": "respond-async", "Idempotency-Key": uuid.uuid4().hex})


def _job(response: httpx2.Response) -> Job:
    return Job(response.json())


def _asked(id_: str | Job, method: Literal["GET", "DELETE"] = "GET") -> _Question:
    return _Question(method, f"jobs/{id_.id if isinstance(id_, Job) else id_}", {}, {}, {})


def _result_path(job: Job) -> str:
    """Raises JobFailed."""
    if job.state == "done":
        return f"jobs/{job.id}/result"
    failure = job.told.get("failure") or {"code": job.state, "detail": f"the job is {job.state}"}
    raise JobFailed(failure["code"], failure["detail"])


def _kept(options: Mapping[str, Any]) -> dict[str, Any]:
    """For a batch: what is a file can be read once only."""
    return {name: read_picture(value) if name in PICTURES and value else value for name, value in options.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(value)
    return value if isinstance(value, str) else ",".join(map(str, value)) if isinstance(value, Iterable) else str(value)


def read_picture(picture: Picture) -> bytes:
    """The bytes of what callers give."""
    if isinstance(picture, str | os.PathLike):
        return Path(picture).read_bytes()
    return picture if isinstance(picture, bytes | bytearray | memoryview) else picture.read()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What happens on the way, in our own words."""
    try:
        yield
    except httpx2.ReadTimeout as error:
        raise Late("no_answer", "the service did not answer in time") from error
    except httpx2.TransportError as error:
        raise ConnectionFailed("connection_failed", str(error) or type(error).__name__) from error


def _checked(response: httpx2.Response) -> httpx2.Response:
    if not response.is_success:
        raise _error_in(response)
    return response


def _named(pictures: Mapping[str, Picture] | Iterable[Picture | tuple[str, Picture]]) -> Iterator[tuple[str, Picture]]:
    """A batch's pictures with their names: those of a mapping or of pairs, else the path, else the number."""
    if isinstance(pictures, Mapping):
        yield from pictures.items()
        return
    for number, picture in enumerate(pictures):
        if isinstance(picture, tuple):
            yield picture
        else:
            yield str(picture) if isinstance(picture, str | os.PathLike) else str(number), picture


def _headers(key: str | None) -> dict[str, str]:
    return {"User-Agent": f"silhouette-client/{__version__}", **({"X-Api-Key": key} if key else {})}


Answer = TypeVar("Answer", covariant=True)


class _Operations(ABC, Generic[Answer]):
    """One method an operation; Answer is Result, or what is awaited for it."""

    def segment(self, image: Picture, **options: Unpack[SegmentOptions]) -> Answer:
        """What every pixel shows: a label map, masks, an overlay or figures."""
        return self._run("segment", image, options)

    def remove_background(self, image: Picture, **options: Unpack[RemoveBackgroundOptions]) -> Answer:
        """The subject with straight alpha, or its matte."""
        return self._run("remove-background", image, options)

    def replace_background(self, image: Picture, **options: Unpack[ReplaceBackgroundOptions]) -> Answer:
        """The subject over `background`, a picture, or `color`."""
        return self._run("replace-background", image, options)

    def blur_background(self, image: Picture, **options: Unpack[BlurBackgroundOptions]) -> Answer:
        """The subject sharp, the rest blurred."""
        return self._run("blur-background", image, options)

    def color_pop(self, image: Picture, **options: Unpack[ColorPopOptions]) -> Answer:
        """The subject in colour, the rest grey."""
        return self._run("color-pop", image, options)

    def product_shot(self, image: Picture, **options: Unpack[ProductShotOptions]) -> Answer:
        """The subject on a clean page."""
        return self._run("product-shot", image, options)

    @abstractmethod
    def _run(
        self, operation: str, image: Picture, options: Mapping[str, Any], headers: Mapping[str, str] = {}
    ) -> Answer: ...


class Client(_Operations[Result]):
    """Safe between threads. `timeout_s` is for each call, asking again included."""

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._http = httpx2.Client(base_url=url, headers=_headers(key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def batch(
        self,
        operation: Operation,
        pictures: Mapping[str, Picture] | Iterable[Picture | tuple[str, Picture]],
        *,
        concurrency: int = 4,
        **options: Any,
    ) -> Iterator[tuple[str, Result | SilhouetteError]]:
        """(name, result) of each, as they are done; of one that failed, its error. Pictures are taken as they are
        needed, `concurrency` at once. What cannot be read raises."""
        waiting, running = _named(pictures), dict[Future[Result | SilhouetteError], str]()
        options = _kept(options)
        with ThreadPoolExecutor(concurrency) as threads:
            while True:
                while len(running) < concurrency and (named := next(waiting, None)):
                    running[threads.submit(self._outcome, operation, named[1], options)] = named[0]
                if not running:
                    return
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(done), done.result()

    def submit(self, operation: Operation, image: Picture, **options: Any) -> Job:
        """A job that does it, which the service keeps whatever becomes of this program."""
        return _job(self._ask(_submission(operation, image, options)))

    def send_video(
        self, film: Picture, *, background: Picture | None = None, matte: Picture | None = None, **options: Any
    ) -> Job:
        """An effect on every frame of a film, as a job: `VideoOptions`, and those of the effect. `matte` is that of
        every frame, where the scene stands still."""
        with _film_question(film, {"background": background, "matte": matte, **options}) as question:
            return _job(self._ask(question))

    def job(self, job: Job | str) -> Job:
        """How far it is."""
        return _job(self._ask(_asked(job)))

    def wait(self, job: Job | str, *, on_progress: Callable[[Job], None] | None = None, poll_s: float = POLL_S) -> Job:
        """Until it is over, in whichever way; that may take hours."""
        while not (told := self.job(job)).is_over:
            if on_progress is not None:
                on_progress(told)
            time.sleep(poll_s)
        return told

    def result_of(self, job: Job) -> Result:
        """Of a job that is done; a film's is better saved. Raises JobFailed for one that has none."""
        response = self._ask(_Question("GET", _result_path(job), {}, {}, {}))
        return Result(response.content, response.headers)

    def save_result(self, job: Job, path: str | os.PathLike[str]) -> None:
        """Of a job that is done; never in memory as a whole. Raises JobFailed for one that has none."""
        where = _result_path(job)
        with (
            _told(),
            self._http.stream("GET", where, timeout=self._timeout_s) as response,
            Path(path).open("wb") as file,
        ):
            if not response.is_success:
                response.read()
            _checked(response)
            for part in response.iter_bytes(CHUNK_BYTES):
                file.write(part)

    def cancel(self, job: Job | str) -> Job:
        """Ends it, or deletes its result."""
        return _job(self._ask(_asked(job, "DELETE")))

    def models(self) -> list[dict[str, Any]]:
        """The models that are served, as `GET /models` describes them."""
        models: list[dict[str, Any]] = self._ask(_Question("GET", "models", {}, {}, {})).json()
        return models

    def load_model(self, name: str) -> dict[str, Any]:
        """Has the service load a model of its store, or load it again where it has changed. Every worker has it then.

        Give a large one a `timeout_s` of minutes. For administrators: a key with the scope `admin`, or, while the
        service has no keys, its own machine. The same holds for the other two.
        """
        loaded: dict[str, Any] = self._ask(_about_model("POST", name)).json()
        return loaded

    def unload_model(self, name: str) -> None:
        """Nobody can ask for it any more; returns when those who had are answered, and its memory is given back."""
        self._ask(_about_model("DELETE", name))

    def set_default_model(self, name: str) -> dict[str, Any]:
        """A loaded one, which is meant from now on where a request names none."""
        chosen: dict[str, Any] = self._ask(_about_model("PUT", name, "/default")).json()
        return chosen

    def _outcome(self, operation: str, image: Picture, options: Mapping[str, Any]) -> Result | SilhouetteError:
        try:
            return self._run(operation, image, options, BULK)
        except SilhouetteError as error:
            return error

    def _run(
        self, operation: str, image: Picture, options: Mapping[str, Any], headers: Mapping[str, str] = {}
    ) -> Result:
        response = self._ask(_question(operation, image, options, headers))
        return Result(response.content, response.headers)

    def _ask(self, question: _Question) -> httpx2.Response:
        attempts = _Attempts(self._timeout_s)
        while True:
            try:
                with _told():
                    return _checked(self._http.request(**question.arguments(attempts)))
            except SilhouetteError as error:
                pause_s = attempts.pause_s(error)
            time.sleep(pause_s)


class AsyncClient(_Operations[Coroutine[Any, Any, Result]]):
    """For asyncio. `timeout_s` is for each call, asking again included."""

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._http = httpx2.AsyncClient(base_url=url, headers=_headers(key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def batch(
        self,
        operation: Operation,
        pictures: Mapping[str, Picture] | Iterable[Picture | tuple[str, Picture]],
        *,
        concurrency: int = 4,
        **options: Any,
    ) -> AsyncIterator[tuple[str, Result | SilhouetteError]]:
        """As `Client.batch`. Leaving the loop cancels what runs."""
        waiting, running = _named(pictures), dict[asyncio.Task[Result | SilhouetteError], str]()
        options = await asyncio.to_thread(_kept, options)
        try:
            while True:
                while len(running) < concurrency and (named := next(waiting, None)):
                    running[asyncio.create_task(self._outcome(operation, named[1], options))] = named[0]
                if not running:
                    return
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield running.pop(task), task.result()
        finally:
            for task in running:
                task.cancel()

    async def submit(self, operation: Operation, image: Picture, **options: Any) -> Job:
        """As `Client.submit`."""
        question = await asyncio.to_thread(_submission, operation, image, options)  # it may read files
        return _job(await self._ask(question))

    async def send_video(
        self, film: Picture, *, background: Picture | None = None, matte: Picture | None = None, **options: Any
    ) -> Job:
        """As `Client.send_video`."""
        with _film_question(film, {"background": background, "matte": matte, **options}) as question:
            return _job(await self._ask(question))

    async def job(self, job: Job | str) -> Job:
        """How far it is."""
        return _job(await self._ask(_asked(job)))

    async def wait(
        self, job: Job | str, *, on_progress: Callable[[Job], None] | None = None, poll_s: float = POLL_S
    ) -> Job:
        """Until it is over, in whichever way; that may take hours."""
        while not (told := await self.job(job)).is_over:
            if on_progress is not None:
                on_progress(told)
            await asyncio.sleep(poll_s)
        return told

    async def result_of(self, job: Job) -> Result:
        """As `Client.result_of`."""
        response = await self._ask(_Question("GET", _result_path(job), {}, {}, {}))
        return Result(response.content, response.headers)

    async def save_result(self, job: Job, path: str | os.PathLike[str]) -> None:
        """Of a job that is done; never in memory as a whole. Raises JobFailed for one that has none."""
        where = _result_path(job)
        with _told():
            async with self._http.stream("GET", where, timeout=self._timeout_s) as response:
                if not response.is_success:
                    await response.aread()
                _checked(response)
                file = await asyncio.to_thread(Path(path).open, "wb")
                with file:
                    async for part in response.aiter_bytes(CHUNK_BYTES):
                        await asyncio.to_thread(file.write, part)

    async def cancel(self, job: Job | str) -> Job:
        """Ends it, or deletes its result."""
        return _job(await self._ask(_asked(job, "DELETE")))

    async def models(self) -> list[dict[str, Any]]:
        """The models that are served, as `GET /models` describes them."""
        models: list[dict[str, Any]] = (await self._ask(_Question("GET", "models", {}, {}, {}))).json()
        return models

    async def load_model(self, name: str) -> dict[str, Any]:
        """As `Client.load_model`."""
        loaded: dict[str, Any] = (await self._ask(_about_model("POST", name))).json()
        return loaded

    async def unload_model(self, name: str) -> None:
        """As `Client.unload_model`."""
        await self._ask(_about_model("DELETE", name))

    async def set_default_model(self, name: str) -> dict[str, Any]:
        """As `Client.set_default_model`."""
        chosen: dict[str, Any] = (await self._ask(_about_model("PUT", name, "/default"))).json()
        return chosen

    async def _outcome(self, operation: str, image: Picture, options: Mapping[str, Any]) -> Result | SilhouetteError:
        try:
            return await self._run(operation, image, options, BULK)
        except SilhouetteError as error:
            return error

    async def _run(
        self, operation: str, image: Picture, options: Mapping[str, Any], headers: Mapping[str, str] = {}
    ) -> Result:
        question = await asyncio.to_thread(_question, operation, image, options, headers)  # it may read files
        response = await self._ask(question)
        return Result(response.content, response.headers)

    async def _ask(self, question: _Question) -> httpx2.Response:
        attempts = _Attempts(self._timeout_s)
        while True:
            try:
                with _told():
                    return _checked(await self._http.request(**question.arguments(attempts)))
            except SilhouetteError as error:
                pause_s = attempts.pause_s(error)
            await asyncio.sleep(pause_s)

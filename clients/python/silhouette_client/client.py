"""`Client`: sync, for threads."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self

import httpx2

from silhouette_client import calls
from silhouette_client.answers import Job, Result
from silhouette_client.attempts import Attempts
from silhouette_client.calls import Answer, Call
from silhouette_client.errors import SilhouetteError, checked, transport_errors_told
from silhouette_client.operations import CHUNK_BYTES, DEFAULT_TIMEOUT_S, DEFAULT_URL, POLL_S, Operations, headers_of
from silhouette_client.options import Operation, Picture


class Client(Operations[Result]):
    """Safe between threads. `timeout_s` is for each call, asking again included."""

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._http = httpx2.Client(base_url=url, headers=headers_of(key))

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
        waiting, running = calls.named(pictures), dict[Future[Result | SilhouetteError], str]()
        options = calls.with_pictures_read(options)
        with ThreadPoolExecutor(concurrency) as threads:
            while True:
                while len(running) < concurrency and (following := next(waiting, None)):
                    running[threads.submit(self._outcome, operation, following[1], options)] = following[0]
                if not running:
                    return
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(done), done.result()

    def submit(self, operation: Operation, image: Picture, **options: Any) -> Job:
        """A job that does it, which the service keeps whatever becomes of this program."""
        return self._ask(calls.job_of(image, operation, options))

    def send_video(
        self, film: Picture, *, background: Picture | None = None, matte: Picture | None = None, **options: Any
    ) -> Job:
        """An effect on every frame of a film, as a job: `VideoOptions`, and those of the effect. `matte` is that of
        every frame, where the scene stands still."""
        with calls.film_job(film, {"background": background, "matte": matte, **options}) as call:
            return self._ask(call)

    def job(self, job: Job | str) -> Job:
        """How far it is."""
        return self._ask(calls.progress_of(job))

    def wait(self, job: Job | str, *, on_progress: Callable[[Job], None] | None = None, poll_s: float = POLL_S) -> Job:
        """Until it is over, in whichever way; that may take hours."""
        while not (told := self.job(job)).is_over:
            if on_progress is not None:
                on_progress(told)
            time.sleep(poll_s)
        return told

    def result_of(self, job: Job) -> Result:
        """Of a job that is done; a film's is better saved. Raises JobFailed for one that has none."""
        return self._ask(calls.result_of(job))

    def save_result(self, job: Job, path: str | os.PathLike[str]) -> None:
        """Of a job that is done; never in memory as a whole, and under its name only once it is.

        Raises JobFailed for one that has none.
        """
        call = calls.result_of(job)
        with transport_errors_told(), self._http.stream(call.method, call.path, timeout=self._timeout_s) as response:
            if not response.is_success:
                response.read()
            checked(response)
            with calls.whole_file(path) as file:
                for part in response.iter_bytes(CHUNK_BYTES):
                    file.write(part)

    def cancel(self, job: Job | str) -> Job:
        """Ends it, or deletes its result."""
        return self._ask(calls.cancellation_of(job))

    def models(self) -> list[dict[str, Any]]:
        """The models that are served, as `GET /models` describes them."""
        return self._ask(calls.served_models())

    def load_model(self, name: str) -> dict[str, Any]:
        """Has the service load a model of its store, or load it again where it has changed. Every worker has it then.

        Give a large one a `timeout_s` of minutes. For administrators: a key with the scope `admin`, or, while the
        service has no keys, its own machine. The same holds for the other two.
        """
        return self._ask(calls.load_of(name))

    def unload_model(self, name: str) -> None:
        """Nobody can ask for it any more; returns when those who had are answered, and its memory is given back."""
        self._ask(calls.unload_of(name))

    def set_default_model(self, name: str) -> dict[str, Any]:
        """A loaded one, which is meant from now on where a request names none."""
        return self._ask(calls.choice_of(name))

    def _outcome(self, operation: str, image: Picture, options: Mapping[str, Any]) -> Result | SilhouetteError:
        try:
            return self._ask(calls.operation_on(image, operation, options, calls.BULK))
        except SilhouetteError as error:
            return error

    def _run(self, operation: str, image: Picture, options: Mapping[str, Any]) -> Result:
        return self._ask(calls.operation_on(image, operation, options))

    def _ask(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self._timeout_s)
        while True:
            try:
                with transport_errors_told():
                    return call.answer(self._http.request(**call.arguments(attempts)))
            except SilhouetteError as error:
                pause_s = attempts.pause_s(error)
            time.sleep(pause_s)

"""`AsyncClient`: what `Client` does, for asyncio."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
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


class AsyncClient(Operations[Coroutine[Any, Any, Result]]):
    """For asyncio. `timeout_s` is for each call, asking again included."""

    def __init__(self, url: str = DEFAULT_URL, *, key: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._http = httpx2.AsyncClient(base_url=url, headers=headers_of(key))

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
        waiting, running = calls.named(pictures), dict[asyncio.Task[Result | SilhouetteError], str]()
        options = await asyncio.to_thread(calls.with_pictures_read, options)
        try:
            while True:
                while len(running) < concurrency and (following := next(waiting, None)):
                    running[asyncio.create_task(self._outcome(operation, following[1], options))] = following[0]
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
        call = await asyncio.to_thread(calls.job_of, image, operation, options)  # it may read files
        return await self._ask(call)

    async def send_video(
        self, film: Picture, *, background: Picture | None = None, matte: Picture | None = None, **options: Any
    ) -> Job:
        """As `Client.send_video`."""
        with calls.film_job(film, {"background": background, "matte": matte, **options}) as call:
            return await self._ask(call)

    async def job(self, job: Job | str) -> Job:
        """How far it is."""
        return await self._ask(calls.progress_of(job))

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
        return await self._ask(calls.result_of(job))

    async def save_result(self, job: Job, path: str | os.PathLike[str]) -> None:
        """As `Client.save_result`."""
        call = calls.result_of(job)
        with transport_errors_told():
            async with self._http.stream(call.method, call.path, timeout=self._timeout_s) as response:
                if not response.is_success:
                    await response.aread()
                checked(response)
                with calls.whole_file(path) as file:
                    async for part in response.aiter_bytes(CHUNK_BYTES):
                        await asyncio.to_thread(file.write, part)

    async def cancel(self, job: Job | str) -> Job:
        """Ends it, or deletes its result."""
        return await self._ask(calls.cancellation_of(job))

    async def models(self) -> list[dict[str, Any]]:
        """The models that are served, as `GET /models` describes them."""
        return await self._ask(calls.served_models())

    async def load_model(self, name: str) -> dict[str, Any]:
        """As `Client.load_model`."""
        return await self._ask(calls.load_of(name))

    async def unload_model(self, name: str) -> None:
        """As `Client.unload_model`."""
        await self._ask(calls.unload_of(name))

    async def set_default_model(self, name: str) -> dict[str, Any]:
        """As `Client.set_default_model`."""
        return await self._ask(calls.choice_of(name))

    async def _outcome(self, operation: str, image: Picture, options: Mapping[str, Any]) -> Result | SilhouetteError:
        try:
            return await self._run(operation, image, options, calls.BULK)
        except SilhouetteError as error:
            return error

    async def _run(
        self, operation: str, image: Picture, options: Mapping[str, Any], headers: Mapping[str, str] = {}
    ) -> Result:
        call = await asyncio.to_thread(calls.operation_on, image, operation, options, headers)  # it may read files
        return await self._ask(call)

    async def _ask(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self._timeout_s)
        while True:
            try:
                with transport_errors_told():
                    return call.answer(await self._http.request(**call.arguments(attempts)))
            except SilhouetteError as error:
                pause_s = attempts.pause_s(error)
            await asyncio.sleep(pause_s)

"""The service's side of one film's process: gives it orders, answers what it asks, and hears how it ends."""

import asyncio
import logging
import signal
import socket
import weakref
from multiprocessing.process import BaseProcess
from typing import Self

from service.errors import Failure, ModelFailed
from service.fronts.tickets import packed_outcome, predicted
from service.fronts.wire import BUFFER_BYTES, Message, facts_of, packed, receive
from service.queue.asking import TicketQueue
from service.video.apart.orders import Check, Ended, told
from service.video.watch import Progress, Watch
from service.workers.lifetime import signals_blocked
from service.workers.local.forking import context_for

logger = logging.getLogger(__name__)

LAST_BREATH_S = 5.0
"""From the end of its socket to that of the process, at most."""


class FilmProcessDied(Exception):
    """How, in a word or two."""


def _run(connection: socket.socket) -> None:
    from service.video.apart.child import work_on_films  # with all codecs, which the service itself never imports

    work_on_films(connection)


class FilmProcess:
    """One of them, for one order at a time. Lives on one event loop. Whoever started it calls `kill` in the end."""

    def __init__(
        self, process: BaseProcess, queue: TicketQueue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._queue = queue
        self._writer = writer
        self._said: asyncio.Queue[Message | Exception] = asyncio.Queue()
        """That it wants an order, that it has done one, or why nothing more can come."""
        self._watch = Watch()
        self._at_work: dict[int, asyncio.Task[None]] = {}
        """By the numbers of its questions."""
        self._listening = asyncio.create_task(self._listen(reader))
        self._last_resort = weakref.finalize(self, process.kill)  # else the interpreter would wait for it at its end

    @classmethod
    async def start(cls, queue: TicketQueue, device: str) -> Self:
        """Its networks are behind `queue`; where workers on `device` are forked, so is this. Raises OSError."""
        ours, theirs = socket.socketpair()
        process = context_for(device).Process(target=_run, args=(theirs,), daemon=True, name="film")
        with theirs, signals_blocked():
            process.start()
        return cls(process, queue, *await asyncio.open_unix_connection(sock=ours, limit=BUFFER_BYTES))

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    async def do(self, order: Check, watch: Watch) -> Ended:
        """Raises FilmProcessDied, and what `watch` raises."""
        self._watch = watch
        wants = await self._heard()
        self._write(packed("answer", wants.number, **told(order)))
        ended = await self._heard()
        self._write(packed("answer", ended.number))
        return Ended(**ended.facts)

    async def kill(self) -> None:
        """It has nothing that is worth keeping: what the networks said is on disk."""
        self._last_resort.detach()
        if self._process.is_alive():
            self._process.kill()
        self._listening.cancel()
        self._writer.close()
        await asyncio.gather(self._listening, *self._end_questions(), return_exceptions=True)
        await asyncio.to_thread(self._process.join)
        self._process.close()

    async def _heard(self) -> Message:
        said = await self._said.get()
        if isinstance(said, EOFError):
            raise FilmProcessDied(await asyncio.to_thread(self._how_it_ended))
        if isinstance(said, Exception):
            raise said
        return said

    def _how_it_ended(self) -> str:
        self._process.join(LAST_BREATH_S)
        code = self._process.exitcode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Until it closes its end, or says what cannot be understood."""
        try:
            while True:
                self._take(await receive(reader))
        except Exception as error:
            self._end_questions()
            self._said.put_nowait(error)

    def _take(self, message: Message) -> None:
        match message.kind:
            case "next" | "ended":
                self._said.put_nowait(message)
            case "progress":
                self._watch.on_progress(Progress(**message.facts))
            case "predict" | "room" | "frame":
                task = asyncio.create_task(self._answer(message))
                self._at_work[message.number] = task
                task.add_done_callback(lambda _: self._at_work.pop(message.number, None))
            case "leave":
                if asked := self._at_work.get(message.number):
                    asked.cancel()

    async def _answer(self, message: Message) -> None:
        try:
            self._write(await self._answered(message))
        except Failure as failure:
            self._write(packed("failure", message.number, **facts_of(failure)))
        except Exception:  # ours: the film must not wait for ever
            logger.exception("a film's question failed")
            self._write(packed("failure", message.number, **facts_of(ModelFailed())))

    async def _answered(self, message: Message) -> bytes:
        if message.kind == "predict":
            return packed_outcome(message.number, await predicted(self._queue, message))
        wait = self._watch.before_film if message.kind == "room" else self._watch.before_frame
        if wait is not None:
            await wait(message.facts["pixels"])
        return packed("answer", message.number)

    def _write(self, message: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(message)

    def _end_questions(self) -> list[asyncio.Task[None]]:
        """Nobody waits for them any more."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        return tasks

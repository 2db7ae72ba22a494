"""All live sessions of the service: who may open one, and how all of them end."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from service.engine.engine import Engine
from service.errors import Draining, SlowHello, TooManyPixels, TooManySessions, UnknownModel
from service.models.store import ModelCard
from service.queue.admission import Admission
from service.queue.permit import Permit
from service.queue.senders import Sender, Senders
from service.settings import MEGAPIXEL, Settings
from service.stream.protocol import Hello, read_hello
from service.stream.session import PIXELS_A_SESSION, Connection, Session, SharedParts
from service.workers.machine import available_cores


class Streams:
    """One for the whole service."""

    def __init__(self, engine: Engine, admission: Admission, settings: Settings) -> None:
        self._served = engine.served
        self._served.on_leaving = self._end_those_with
        self._metrics = engine.metrics
        self._settings = settings
        self._admission = admission
        threads = settings.pixel_threads or available_cores()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="frames")
        self._shared = SharedParts(engine.batcher, engine.metrics, settings, self._threads, admission.admit)
        self._sessions: set[Session] = set()
        self._silent = Senders(
            settings.max_hellos,
            math.inf,  # whoever says nothing is slow
            settings.peer_share,
            noun="clients that have not said hello",
            refusal=TooManySessions,
        )
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Every session finishes its frame and hears that it is over."""
        self._stopping.set()
        for session in self._sessions:
            session.stop(Draining())

    def _end_those_with(self, cards: Sequence[ModelCard]) -> None:
        """A session ends with its model: a camera may run for hours, and another model's mattes have another size."""
        leaving = {card.key for card in cards}
        for session in self._sessions:
            if session.card.key in leaving:
                session.stop(UnknownModel(f"{session.card.name} was unloaded or replaced; open another session"))

    def close(self) -> None:
        self._threads.shutdown()

    @contextlib.contextmanager
    def permit(self, peer: str) -> Iterator[Permit]:
        """For one client, from its handshake to its last word. Raises TooManySessions."""
        permit = self._admission.open_session(peer)
        try:
            yield permit
        finally:
            permit.give_back()

    @contextlib.asynccontextmanager
    async def session(self, connection: Connection, permit: Permit, id_: str) -> AsyncIterator[Session]:
        """A session, once its client has said hello.

        Raises ConnectionLost, SlowHello, Draining, TooManySessions, and for what the hello asks for: UnknownModel,
        NotReady, DeadlineExceeded, BadOption, TooManyPixels, QueueFull.
        """
        hello = await self._hello(connection, permit.peer)
        card = self._served.catalogue.card(hello.model or None)
        with self._served.in_use(card):
            await self._served.be_awake(card, asyncio.get_running_loop().time() + self._settings.request_timeout_s)
            shared = replace(self._shared, admit=partial(self._admission.admit, permit.peer))
            with self._counted(Session(id_, hello, card, shared, connection), permit) as session:
                yield session

    @contextlib.contextmanager
    def _counted(self, session: Session, permit: Permit) -> Iterator[Session]:
        """Raises TooManySessions, TooManyPixels or QueueFull."""
        self._check_size(session)
        permit.begin_session()
        permit.take_pixels(session.pixels)
        permit.take_bytes(session.max_frame_bytes)
        self._sessions.add(session)
        self._metrics.stream_sessions.inc()
        if self._stopping.is_set():
            session.stop(Draining())
        try:
            yield session
        finally:
            self._metrics.stream_sessions.dec()
            self._sessions.discard(session)

    def _check_size(self, session: Session) -> None:
        """Frames that would never fit beside others."""
        most = int(self._settings.max_megapixels_in_flight * MEGAPIXEL)
        if session.pixels > most:
            raise TooManyPixels(f"frames of a session have at most {most // PIXELS_A_SESSION} pixels")

    async def _hello(self, connection: Connection, peer: str) -> Hello:
        dropped = asyncio.get_running_loop().create_future()
        silent = Sender(peer, lambda: dropped.set_result(None))
        self._silent.begin(silent)
        try:
            return await self._first_message(connection, dropped)
        finally:
            self._silent.end(silent)

    async def _first_message(self, connection: Connection, dropped: "asyncio.Future[None]") -> Hello:
        receiving = asyncio.ensure_future(connection.receive())
        stopping = asyncio.ensure_future(self._stopping.wait())
        timeout_s = self._settings.hello_timeout_s
        try:
            ends: set[asyncio.Future[Any]] = {receiving, stopping, dropped}
            await asyncio.wait(ends, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                return read_hello(receiving.result())
        finally:
            receiving.cancel()
            stopping.cancel()
        if self._stopping.is_set():
            raise Draining
        if dropped.done():
            raise SlowHello("no hello, and others waited for the place")
        raise SlowHello(f"no hello within {timeout_s:g} seconds")

"""All live sessions of the service: who may open one, and what is said when it is over."""

import asyncio
import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.admission import Admission
from service.engine import Engine
from service.errors import Failure, SlowHello, Stopping
from service.settings import Settings
from service.stream.protocol import Hello, read_hello
from service.stream.session import Connection, ConnectionLost, Session, Stage
from service.telemetry import FIELDS
from service.workers.plan import available_cores

logger = logging.getLogger(__name__)


class Streams:
    """One for the whole service."""

    def __init__(self, engine: Engine, admission: Admission, settings: Settings) -> None:
        self._pipeline = engine.pipeline
        self._metrics = engine.metrics
        self._settings = settings
        self._admission = admission
        threads = settings.pixel_threads or available_cores()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="frames")
        self._stage = Stage(engine.batcher, engine.metrics, settings, self._threads, admission.admit)
        self._sessions: set[Session] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Every session finishes its frame and hears that it is over."""
        self._stopping.set()
        for session in self._sessions:
            session.stop()

    def close(self) -> None:
        self._threads.shutdown()

    async def serve(self, connection: Connection, id_: str | None = None) -> None:
        """A whole session. Raises ConnectionLost, or the failure that ended or refused it."""
        permit = self._admission.admit_session()
        try:
            hello = await self._hello(connection)
            session = self._open(hello, connection, id_ or uuid.uuid4().hex)
            permit.take_pixels(session.pixels)
            permit.take_bytes(session.max_frame_bytes)
            await self._run(session, hello)
        finally:
            permit.give_back()

    async def _hello(self, connection: Connection) -> Hello:
        receiving = asyncio.ensure_future(connection.receive())
        stopping = asyncio.create_task(self._stopping.wait())
        timeout_s = self._settings.hello_timeout_s
        try:
            await asyncio.wait({receiving, stopping}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                return read_hello(receiving.result())
        finally:
            receiving.cancel()
            stopping.cancel()
        raise Stopping if self._stopping.is_set() else SlowHello(f"no hello within {timeout_s:g} seconds")

    def _open(self, hello: Hello, connection: Connection, id_: str) -> Session:
        """Raises UnknownModel or BadOption."""
        card = self._pipeline.card(hello.model) if hello.model else self._pipeline.cards[0]
        return Session(id_, hello, card, self._stage, connection)

    async def _run(self, session: Session, hello: Hello) -> None:
        self._sessions.add(session)
        self._metrics.stream_sessions.inc()
        started, reason = time.monotonic(), "internal_error"
        try:
            if self._stopping.is_set():
                session.stop()
            await session.run()
        except ConnectionLost:
            reason = "disconnected"
            raise
        except Failure as failure:
            reason = failure.code
            raise
        finally:
            self._sessions.discard(session)
            self._metrics.stream_sessions.dec()
            self._metrics.stream_sessions_ended.labels(reason).inc()
            self._log(session, hello, time.monotonic() - started, reason)

    @staticmethod
    def _log(session: Session, hello: Hello, seconds: float, reason: str) -> None:
        tally = session.tally
        facts: dict[str, Any] = {
            "session": session.id,
            "model": session.model,
            "effect": hello.effect,
            "output": hello.output,
            "size": f"{hello.width}x{hello.height}",
            "seconds": round(seconds, 1),
            "frames": tally.answered,
            "dropped": tally.dropped,
            "failed": tally.failed,
            "mean_ms": round(tally.total_ms / max(1, tally.answered), 1),
            "max_ms": round(tally.slowest_ms, 1),
            "outcome": reason,
        }
        logger.info("session", extra={FIELDS: facts})

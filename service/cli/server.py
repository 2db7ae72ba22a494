"""uvicorn's server with our manners: says where it listens, and drains before it closes the door."""

import asyncio
import logging
import math
import os
import socket
import sys
from functools import partial
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.api.state import Service
from service.cli.connection import Connection
from service.settings import Settings

if sys.platform != "win32":
    import resource

logger = logging.getLogger(__name__)

KILLED_BY_SIGNAL = 128

CLOSE_TIMEOUT_S = 5
"""For the last bytes of the last answers, once the service is drained."""

MESSAGE_HEADER_BYTES = 8192
"""In front of a background picture in a message of `/stream`."""

OTHER_FILES = 512
"""Libraries, weights, pipes to the workers, and connections beyond the limit that hear why."""

MAX_UNSENT_BYTES = 65_536
"""A session whose client reads slowly drops frames instead of queueing results in the kernel, which would hold seconds
of them. It does not limit throughput: what was sent and is not acknowledged yet does not count."""


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    service: Service = app.state.service
    connection = partial(Connection, settings, service.engine.metrics)
    return uvicorn.Config(
        app,
        settings.host,
        settings.port,
        ws=WebSocketsSansIOProtocol,
        http=cast(type[asyncio.Protocol], connection),
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=math.ceil(settings.keep_alive_timeout_s),
        timeout_graceful_shutdown=CLOSE_TIMEOUT_S,
        ws_max_size=settings.max_upload_bytes + MESSAGE_HEADER_BYTES,
        ws_per_message_deflate=False,  # pictures are compressed already
    )


class SilhouetteServer(uvicorn.Server):
    """The first signal drains: no new work, everybody who was admitted is answered. The second ends it now."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:
                _bound_unsent(listener)
            host, port = server.sockets[0].getsockname()[:2]
            logger.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._service.draining:
            self._service.engine.pool.kill()
            os._exit(KILLED_BY_SIGNAL + sig)
        self._service.draining = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The door stays open while it drains, so that whoever comes is told why not: uvicorn would just be silent."""
        logger.info("draining")
        await self._service.drain()
        await super().shutdown(sockets)
        logger.info("stopped")


def allow_connections(count: int) -> None:
    """Each is an open file, of which many systems allow a process 1024 unless it asks for more."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _bound_unsent(listener: socket.socket) -> None:
    """Connections inherit it from the socket that accepts them. Only Linux and macOS have it."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)

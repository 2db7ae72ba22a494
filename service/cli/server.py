"""uvicorn's server with our manners: says where it listens, and drains before it closes the door."""

import logging
import os
import socket
from types import FrameType

import uvicorn

from service.api.state import Service

logger = logging.getLogger(__name__)

KILLED_BY_SIGNAL = 128


class SilhouetteServer(uvicorn.Server):
    """The first signal drains: no new work, everybody who was admitted is answered. The second ends it now."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
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

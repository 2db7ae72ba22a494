"""Builds the HTTP service once, and takes it apart again.

uvicorn --factory service.app:create_app
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from fastapi_offline import FastAPIOffline

from service import __version__
from service.api import docs_page, model_changes, problems, studio
from service.api.batches import router as batches_router
from service.api.gate import Gate
from service.api.jobs import router as jobs_router
from service.api.operations import operation_routes
from service.api.routes import probes, router
from service.api.state import Service, background
from service.api.stream import router as stream_router
from service.api.videos import router as videos_router
from service.api.webhooks import deliver
from service.configuration_errors import ConfigurationError
from service.doors import opened
from service.doors.door import Door
from service.engine.engine import Engine
from service.queue.pixel_scheduler import PixelScheduler
from service.settings import Settings, read_settings
from service.telemetry.log import FIELDS
from service.workers.plan import SegmenterFamilies, built_in_families
from service.workers.room import Machine, with_room

logger = logging.getLogger(__name__)

STOP_TIMEOUT_S = 5.0
"""For batches that are still on board when everybody was answered or the drain timeout is over."""

CORS: Mapping[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
    "allow_headers": ["*"],
    "expose_headers": ["*"],
    "max_age": 3600,
}
"""For pages of other origins that may ask, outermost, so that they can read refusals as well. No cookies: a key is a
header."""

API_KEY = APIKeyHeader(name="X-Api-Key", auto_error=False, description="A key of this service: `sil_...`")
"""For the OpenAPI document alone, so that `/docs` has a field for it; the Gate checks keys, and takes them in other
headers as well."""

DESCRIPTION = """\
An image goes in; class masks, a label map, a cutout or the same picture with another background come out.

A picture is a JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF. JPEG XL, camera raw, PSD and SVG are not read, and the
error says so by their name.

Send the picture as a multipart file `image`, or as the raw body with `Content-Type: image/*`. Options go in the query
or in the form. Every error is a problem document (RFC 9457) with a stable `code`; the responses below show one of each.

**Live video** goes over the WebSocket `/stream`, which an OpenAPI document has no place for. The first message says
what is to come, such as

```json
{"type": "hello", "width": 640, "height": 480, "effect": "blur-background", "output": "composite"}
```

and is answered with `ready`. From then on each binary message is a frame: the length of its header as 4 bytes,
little-endian; the header, such as

```json
{"seq": 1, "timestamp_ms": 0, "format": "jpeg"}
```

and the picture. Results come alike; their header lists the `parts` of the payload: mattes at the network's size,
composed frames, or both. `docs/stream.md` has every message, the close codes and a client that runs."""


DOORS_DESCRIPTION = """\
**Clients of other services** find their own endpoints here, which are not in this document; `docs/doors.md` says what
to change in them. Open are:"""


def create_app(
    settings: Settings | None = None,
    families: SegmenterFamilies = built_in_families,
    pixels: PixelScheduler | None = None,
) -> FastAPI:
    """The service. Raises ConfigurationError where it could not start: missing models, wrong cards, no such device."""
    settings = settings or read_settings()
    return app_of(settings, Engine.build(settings, families, pixels))


def app_of(settings: Settings, engine: Engine) -> FastAPI:
    """The service on an engine that is there. Raises ConfigurationError."""
    doors = opened(settings.doors)
    settings = with_room(settings, Machine.here(engine.pool.places))
    service = Service(settings, engine)
    app = FastAPIOffline(
        title="Silhouette",
        version=__version__,
        description=_description(doors),
        lifespan=_lifespan,
        docs_url=None,  # ours is service/api/docs_page.py
        redoc_url=None,
    )
    app.state.service = service
    keyed = (operation_routes(), router, model_changes.router, videos_router, batches_router, jobs_router)
    for each in keyed:
        app.include_router(each, dependencies=[Security(API_KEY)] if settings.keys_file else [])
    app.include_router(probes)
    app.include_router(docs_page.router)
    if settings.studio:
        app.include_router(studio.router)
    app.include_router(stream_router)
    for door in doors:
        app.include_router(door.router, include_in_schema=False, tags=[door.name])
    routers = (*keyed, probes, *(door.router for door in doors))
    paths = frozenset(route.path for each in routers for route in each.routes if isinstance(route, APIRoute))
    app.add_middleware(Gate, service=service, paths=paths, doorways=doors)
    if settings.allowed_origins:
        app.add_middleware(CORSMiddleware, **CORS, allow_origins=list(settings.allowed_origins))
    problems.install(app)
    return app


def _description(doors: Sequence[Door]) -> str:
    if not doors:
        return DESCRIPTION
    return "\n".join([f"{DESCRIPTION}\n\n{DOORS_DESCRIPTION}\n", *(f"- `{door.name}`: {door.help}" for door in doors)])


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Workers load in the background, so that the probes answer from the first moment on."""
    service: Service = app.state.service
    starting = asyncio.create_task(_start(service))
    try:
        async with background(service, *([deliver(service)] if service.webhooks.is_on else [])):
            try:
                yield
            finally:
                await service.jobs.stop()  # while the loop that works them off is still there to be told
    finally:
        service.draining = True
        service.streams.stop()
        await service.films.close()
        await service.engine.stop(STOP_TIMEOUT_S)
        service.streams.close()
        service.jobs.close()
        if service.tracing is not None:
            await asyncio.to_thread(service.tracing.close)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting


async def _start(service: Service) -> None:
    models = ",".join(card.label for card in service.pipeline.catalogue.cards)
    logger.info("loading models", extra={FIELDS: {"models": models, "workers": service.engine.pool.size}})
    try:
        await service.engine.pool.start()
    except ConfigurationError as failure:
        if service.draining:  # told to stop while it was loading: that is no failure
            return
        service.failure = failure
        logger.error("cannot start", extra={FIELDS: {"cause": str(failure)}})
        signal.raise_signal(signal.SIGTERM)
        return
    service.started.set()
    logger.info("ready")

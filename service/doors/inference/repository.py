"""Triton's extension for model repositories: which models are loaded, and loading and unloading them.

Source: protocol/extension_model_repository.md of triton-inference-server/server.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.state import ServiceDep
from service.errors import NotOffered
from service.models.catalogue import Model
from service.models.ensemble import Ensemble

MAX_BODY_BYTES = 4096
"""Parameters are short; what is longer brings a model with it."""

OWN_MODEL = ("config", "file:")
"""How parameters that bring a model with them begin."""

router = APIRouter()


@router.post("/v2/repository/index")
async def index(service: ServiceDep) -> list[dict[str, str]]:
    """Those that can be asked."""
    models = service.pipeline.catalogue.models
    return [{"name": model.name, "version": version_of(model), "state": "READY"} for model in models]


@router.post("/v2/repository/models/{name}/load")
async def load(request: Request, service: ServiceDep, name: str) -> Response:
    """As `POST /models/NAME`. Takes what the model store has, and no model in the request."""
    service.check_ready()
    await _check_brings_nothing(request)
    await service.engine.changes.load(name)
    return Response()


@router.post("/v2/repository/models/{name}/unload")
async def unload(service: ServiceDep, name: str) -> Response:
    """As `DELETE /models/NAME`."""
    service.check_ready()
    await service.engine.changes.unload(name)
    return Response()


def version_of(model: Model) -> str:
    return f"{model.outline.version}+{model.classes.version}" if isinstance(model, Ensemble) else model.version


async def _check_brings_nothing(request: Request) -> None:
    """Raises NotOffered."""
    told = request.headers.get("content-length", "0" if "transfer-encoding" not in request.headers else "unknown")
    is_short = told.isdecimal() and int(told[:18]) <= MAX_BODY_BYTES
    body = await request.body() if is_short else b""
    if not is_short or any(f'"{name}'.encode() in body for name in OWN_MODEL):
        raise NotOffered("a model is loaded as it is in the model store: bring it there, and leave `parameters` out")

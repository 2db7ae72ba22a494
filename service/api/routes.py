"""The endpoints that take no picture: models, probes, metrics."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from service.api.examples import OF_KEYS
from service.api.exchange import exchange_of
from service.api.openapi import problems
from service.api.problems import problem_body
from service.api.schemas import Health, Liveness, ModelInfo, Problem, Readiness
from service.api.state import ServiceDep
from service.errors import BadOption, Draining, NotReady, Unavailable, UnknownModel

router = APIRouter()

probes = APIRouter()
"""Open to everybody, also where the service wants keys."""


@router.get("/models", tags=["models"], summary="The loaded models", responses=problems(*OF_KEYS))
async def models(service: ServiceDep) -> list[ModelInfo]:
    """The default model comes first; `best`, which is two of them together, last."""
    served = service.engine.served
    return [ModelInfo.of(model, served) for model in served.catalogue.models]


@router.get(
    "/models/{name}", tags=["models"], summary="One loaded model", responses=problems(UnknownModel, BadOption, *OF_KEYS)
)
async def model(name: str, service: ServiceDep) -> ModelInfo:
    served = service.engine.served
    return ModelInfo.of(served.catalogue.model(name), served)


@probes.get("/livez", tags=["probes"], summary="Is the process alive?", response_model_exclude_none=True)
async def livez(request: Request, service: ServiceDep) -> Liveness:
    """200 as long as the event loop turns, whatever the load, and also while it is not ready."""
    try:
        service.check_able()
    except Unavailable as failure:
        return Liveness(unready=Problem(**problem_body(failure, exchange_of(request).request_id)))
    return Liveness(unready=None)


@probes.get(
    "/readyz",
    tags=["probes"],
    summary="Can it answer now?",
    responses=problems(NotReady, Draining),
    response_model_exclude_none=True,
)
async def readyz(service: ServiceDep) -> Readiness:
    """200 while models are loaded and warmed up, and workers are alive to run them or may soon be.

    Where the operator has set a limit, also 503 while a new request would wait for longer than that. A Redis that keeps
    jobs and is away is told of, and no reason to send pictures elsewhere.
    """
    service.check_able()
    return Readiness(jobs="away" if service.jobs.trouble else None)


@probes.get("/startupz", tags=["probes"], summary="Has it started?", responses=problems(NotReady, Draining))
async def startupz(service: ServiceDep) -> Health:
    """503 until every worker has loaded its models for the first time."""
    service.check_started()
    return Health()


@router.get(
    "/metrics",
    tags=["probes"],
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(*OF_KEYS),
)
async def metrics(service: ServiceDep) -> Response:
    """Requests, stages, the queue, the workers and their memory, in Prometheus' text format."""
    return Response(await service.engine.scrape(), media_type=CONTENT_TYPE_LATEST)

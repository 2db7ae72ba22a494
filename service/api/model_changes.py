"""The endpoints that change which models are loaded. For administrators: the Gate checks that."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from service.api.examples import OF_KEYS
from service.api.openapi import problems
from service.api.schemas import ModelInfo
from service.api.state import Service, ServiceDep
from service.errors import BadOption, Draining, ModelsUnchanged, NotReady, OriginRefused, UnknownModel
from service.models.store import ModelCard

router = APIRouter(tags=["models"])

REFUSALS = problems(UnknownModel, BadOption, ModelsUnchanged, NotReady, Draining, OriginRefused, *OF_KEYS)


@router.post("/models/{name}", summary="Load a model", responses=REFUSALS)
async def load(name: str, service: ServiceDep) -> ModelInfo:
    """As it is in the model store now: what was loaded under this name before is replaced where its card or its weights
    have changed since, and nothing is done where not.

    Answered once every worker has it, and those who had begun with the former one are answered. Where it cannot be
    loaded, everything stays as it was, and the detail says why.
    """
    service.check_ready()
    return _told(service, await service.engine.changes.load(name))


@router.delete(
    "/models/{name}",
    summary="Unload a model",
    status_code=HTTPStatus.NO_CONTENT,
    responses=REFUSALS,
    response_class=Response,
)
async def unload(name: str, service: ServiceDep) -> None:
    """From now on nobody can ask for it. Answered once all who had begun with it are, and its memory is given back.

    Live sessions with it end. Where it was the default, the next one in the list becomes that.
    """
    service.check_ready()
    await service.engine.changes.unload(name)


@router.put("/models/{name}/default", summary="Choose the default model", responses=REFUSALS)
async def make_default(name: str, service: ServiceDep) -> ModelInfo:
    """A loaded one, which is meant from now on where a request names none; until the service is started again."""
    service.check_ready()
    return _told(service, await service.engine.changes.make_default(name))


def _told(service: Service, card: ModelCard) -> ModelInfo:
    return ModelInfo.of(card, service.engine.served)

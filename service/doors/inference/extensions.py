"""What Triton's own extensions have beside inference, and this service does not: each is refused by its name."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.errors import NotOffered

METRICS = "statistics are not kept for a model; GET /metrics has the service's"
SHARED = "shared memory is not used; send tensors in the request"
SETTINGS = "settings are read from the environment when the service starts, see docs/settings.md"
GENERATE = "there is no generation here; a picture is asked about by POST .../infer"

NOT_HERE: Mapping[str, str] = {
    "/v2/models/stats": METRICS,
    "/v2/models/{name}/stats": METRICS,
    "/v2/models/{name}/versions/{version}/stats": METRICS,
    "/v2/systemsharedmemory/{rest:path}": SHARED,
    "/v2/cudasharedmemory/{rest:path}": SHARED,
    "/v2/logging": SETTINGS,
    "/v2/trace/setting": SETTINGS,
    "/v2/models/{name}/trace/setting": SETTINGS,
    "/v2/models/{name}/generate": GENERATE,
    "/v2/models/{name}/generate_stream": GENERATE,
}
"""Paths of the protocol's extensions, and why they are not here."""

router = APIRouter()


async def refuse(request: Request) -> Response:
    await request.body()
    raise NotOffered(NOT_HERE[request.scope["route"].path])


for path in NOT_HERE:
    router.add_api_route(path, refuse, methods=["GET", "POST"], response_class=Response)

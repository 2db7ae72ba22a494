"""The Open Inference Protocol, version 2, as KServe, Triton and their clients speak it over HTTP.

Source: https://github.com/kserve/open-inference-protocol and Triton's extension for binary tensor data.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from service import __version__
from service.api.doorway import Refusal
from service.api.exchange import exchange_of
from service.api.running import answer_headers, by_size, run_operation
from service.api.state import Service, ServiceDep
from service.doors.door import Door
from service.doors.inference import extensions, repository
from service.doors.inference.infer import INFER, PLANES, InferOptions, outputs_of
from service.doors.inference.repository import version_of
from service.doors.inference.tensors import Asked, OutputTensor, read_request, unpack, write_answer
from service.engine.request import Answer, ImageRequest
from service.errors import BadOption, UnknownModel
from service.models.catalogue import Model
from service.operations.options import parse_options

HEADER_LENGTH = "Inference-Header-Content-Length"

MICROSECONDS = 1_000_000

OPTIONS = ("refine", "effort", "keep", "shift_edge", "feather", "decontaminate", "threshold", "allow_empty")
"""Parameters of a request that are options of ours."""

OTHERS = ("binary_data_output", "timeout", "priority", "sequence_id", "sequence_start", "sequence_end", "headers")
"""Those that clients send by themselves."""

router = APIRouter()
router.include_router(extensions.router)  # before models: `/v2/models/stats` is none
router.include_router(repository.router)


@router.get("/v2")
@router.get("/v2/")
async def server() -> dict[str, Any]:
    return {"name": "silhouette", "version": __version__, "extensions": ["binary_tensor_data"]}


@router.get("/v2/health/live")
async def live() -> dict[str, bool]:
    return {"live": True}


@router.get("/v2/health/ready")
async def ready(service: ServiceDep) -> dict[str, bool]:
    service.check_ready()
    return {"ready": True}


@router.get("/v2/models")
async def models(service: ServiceDep) -> dict[str, list[str]]:
    return {"models": [model.name for model in service.pipeline.catalogue.models]}


@router.get("/v2/models/{name}")
@router.get("/v2/models/{name}/versions/{version}")
async def metadata(service: ServiceDep, name: str, version: str | None = None) -> dict[str, Any]:
    model = _model(service, name, version)
    return {
        "name": model.name,
        "versions": [version_of(model)],
        "platform": "silhouette",
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1]}],
        "outputs": [
            {"name": output, "datatype": "UINT8", "shape": [-1, -1, *PLANES[output][1]]} for output in outputs_of(model)
        ],
    }


@router.get("/v2/models/{name}/config")
@router.get("/v2/models/{name}/versions/{version}/config")
async def config(service: ServiceDep, name: str, version: str | None = None) -> dict[str, Any]:
    """What Triton says beside the metadata, in other words for the same."""
    model = _model(service, name, version)
    return {
        "name": model.name,
        "platform": "silhouette",
        "max_batch_size": 0,  # the first dimension of a tensor is no batch
        "input": [{"name": "image", "data_type": "TYPE_STRING", "dims": [1]}],
        "output": [
            {"name": output, "data_type": "TYPE_UINT8", "dims": [-1, -1, *PLANES[output][1]]}
            for output in outputs_of(model)
        ],
    }


@router.get("/v2/models/{name}/ready")
@router.get("/v2/models/{name}/versions/{version}/ready")
async def model_ready(service: ServiceDep, name: str, version: str | None = None) -> dict[str, Any]:
    service.check_ready()
    return {"name": _model(service, name, version).name, "ready": True}


@router.post("/v2/models/{name}/infer")
@router.post("/v2/models/{name}/versions/{version}/infer")
async def infer(request: Request, service: ServiceDep, name: str, version: str | None = None) -> Response:
    model = _model(service, name, version)
    asked = await _read(request)
    _keep_to_timeout(request, asked.request.parameters)
    options = _options(asked, model)
    answer = await run_operation(request, service, ImageRequest(INFER, options, asked.image))
    body, json_bytes = write_answer(_facts(asked, model), _outputs(asked, options, answer))
    if json_bytes is None:
        return Response(body, media_type="application/json", headers=answer_headers(answer))
    headers = {**answer_headers(answer), HEADER_LENGTH: str(json_bytes)}
    return Response(body, media_type="application/octet-stream", headers=headers)


async def _read(request: Request) -> Asked:
    """The picture's own bytes count as in flight. Raises BadOption, MalformedJson, MissingImage or QueueFull."""
    given = request.headers.get(HEADER_LENGTH)
    if given is not None and not given.isdecimal():
        raise BadOption(f"{HEADER_LENGTH} is a number of bytes, not {given!r}")
    json_bytes = None if given is None else int(given[:18])
    body = await request.body()
    asked = await by_size(len(body), read_request, body, json_bytes)
    if permit := exchange_of(request).permit:
        permit.take_bytes(len(asked.image))
    return asked


def _model(service: Service, name: str, version: str | None) -> Model:
    """Raises UnknownModel."""
    model = service.pipeline.catalogue.model(name)
    if version not in (None, version_of(model)):
        raise UnknownModel(f"of {name} there is version {version_of(model)}, not {version}")
    return model


def _options(asked: Asked, model: Model) -> InferOptions:
    """Raises BadOption for an output or a parameter that is not there."""
    request, offered = asked.request, outputs_of(model)
    wanted = [output.name for output in request.outputs or ()] or list(offered)
    if unknown := [name for name in wanted if name not in offered]:
        raise BadOption(f"there is no output {unknown[0]!r}; {model.name} has {', '.join(offered)}")
    given = {name: value for name, value in request.parameters.items() if not _is_of_client(name)}
    if strange := [name for name in given if name not in OPTIONS]:
        raise BadOption(f"there is no parameter {strange[0]!r}; there are {', '.join(OPTIONS)}")
    texts = [name for name in wanted if not request.is_binary(name)]
    outputs = {"outputs": tuple(dict.fromkeys(wanted)), "texts": tuple(texts)}
    return parse_options(InferOptions, {**given, "model": model.name, **outputs})


def _is_of_client(name: str) -> bool:
    return name in OTHERS or name.startswith("triton_")


def _keep_to_timeout(request: Request, parameters: Mapping[str, Any]) -> None:
    """The client's own, in microseconds."""
    timeout, exchange = parameters.get("timeout"), exchange_of(request)
    if isinstance(timeout, int) and timeout > 0:
        exchange.deadline = min(exchange.deadline, exchange.arrived_s + timeout / MICROSECONDS)


def _facts(asked: Asked, model: Model) -> dict[str, Any]:
    known = {} if asked.request.id is None else {"id": asked.request.id}
    return {"model_name": model.name, "model_version": version_of(model), **known}


def _outputs(asked: Asked, options: InferOptions, answer: Answer) -> list[OutputTensor]:
    size, planes = unpack(answer.body, len(options.outputs))
    batch = [1] if asked.has_batch else []
    return [
        OutputTensor(name, [*batch, *size, *PLANES[name][1]], plane, name not in options.texts)
        for name, plane in zip(options.outputs, planes, strict=True)
    ]


def worded(refusal: Refusal) -> Response:
    """`{"error": ...}`"""
    return JSONResponse({"error": refusal.detail, "code": refusal.code}, refusal.coarse_status)


INFERENCE = Door(
    name="inference",
    help="the Open Inference Protocol v2 of KServe and Triton",
    router=router,
    prefixes=frozenset({"/v2"}),
    refusal=worded,
    open_paths=frozenset({"/v2/health/live", "/v2/health/ready"}),
)

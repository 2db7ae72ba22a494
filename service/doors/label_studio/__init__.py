"""The door for Label Studio, as its machine learning backend: `/label-studio/health`, `/setup`, `/predict`, `/versions`
and `/webhook`. Nothing is kept of a project: each request brings its configuration.

Source: Label Studio 1.23, `label_studio/ml/api_connector.py` and `label_studio/ml/models.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from service.api.doorway import Refusal
from service.api.running import run_one_of_several
from service.api.state import Service, ServiceDep
from service.doors.door import Door
from service.doors.label_studio.annotate import ANNOTATE, AnnotateOptions, model_for
from service.doors.label_studio.config import Control, LabelConfig
from service.doors.label_studio.hints import Pointed, Shape, only_labelled, pointed_at
from service.doors.label_studio.pictures import picture_of
from service.doors.reading import parsed, read_json
from service.engine.request import ImageRequest
from service.errors import BadInput, BadOption, DeadlineExceeded, Failure, MissingImage, NotOffered
from service.operations.options import parse_options

PREFIX = "/label-studio"

router = APIRouter(prefix=PREFIX)


class Task(BaseModel):
    """Of a project."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int | str | None = None
    data: Mapping[str, Any] = {}


class Context(BaseModel):
    """What an annotator does meanwhile."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    result: tuple[Shape, ...] = ()


class Parameters(BaseModel):
    """What was clicked and drawn so far, where somebody annotates at this moment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    context: Context | None = None


class Question(BaseModel):
    """The body of `/predict`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tasks: tuple[Task, ...] = ()
    label_config: str = ""
    params: Parameters | None = None

    @property
    def pointed(self) -> Pointed | None:
        """What the annotator points at; None where there is none. Raises BadOption."""
        context = self.params.context if self.params else None
        return pointed_at(context.result) if context else None


@router.get("")
@router.get("/")
@router.get("/health")
async def health(service: ServiceDep) -> Response:
    """Whether there is somebody to ask. Raises NotReady."""
    service.check_ready()
    return JSONResponse({"status": "UP", "model_class": "Silhouette"})


@router.post("/setup")
async def setup(request: Request, service: ServiceDep) -> Response:
    """Which model looks for the project's labels: what was predicted with another one, Label Studio asks for anew."""
    asked = await read_json(request)
    try:
        controls = LabelConfig.parse(str(asked.get("schema") or "")).controls
    except BadOption:  # a project is connected before it has its labels
        controls = ()
    return JSONResponse({"model_version": model_for(controls, service.pipeline.catalogue.cards).label})


@router.api_route("/versions", methods=["GET", "POST"])
async def versions(service: ServiceDep) -> Response:
    """All loaded models."""
    return JSONResponse({"versions": [card.label for card in service.pipeline.catalogue.cards]})


@router.post("/webhook")
async def webhook(request: Request) -> Response:
    """Annotations and the wish to train come here; nothing is learned from them."""
    await request.body()
    return JSONResponse({"status": "ok", "result": {}})


@router.post("/predict")
async def predict(request: Request, service: ServiceDep) -> Response:
    """One result a task, in their order."""
    asked = parsed(Question, await read_json(request))
    config = LabelConfig.parse(asked.label_config)
    options = _options(config.controls, asked.pointed)
    results = await _predict_each(request, service, asked.tasks, config.variable, options)
    return Response(b'{"results":[' + b",".join(results) + b"]}", media_type="application/json")


async def _predict_each(
    request: Request, service: Service, tasks: Sequence[Task], variable: str, options: AnnotateOptions
) -> Sequence[bytes]:
    """A task that is wrong by itself has an empty result that says why; where all are, the first failure is raised.

    Where the time is over before all are done, the first result alone: Label Studio takes that for a backend that can
    do one task at a time, and asks for each by itself.
    """
    results: list[bytes] = []
    failures: list[Failure] = []
    for task in tasks:
        try:
            results.append(await _predict(request, service, task, variable, options))
        except (BadInput, NotOffered) as failure:
            failures.append(failure)
            results.append(to_json({"result": [], "score": 0.0, "error": failure.detail}))
        except DeadlineExceeded:
            if not results or failures:
                raise
            return results[:1]
    if failures and len(failures) == len(tasks):
        raise failures[0]
    return results


def _options(controls: Sequence[Control], pointed: Pointed | None) -> AnnotateOptions:
    """Who points at something wants the label that is chosen, and no other."""
    if pointed is None:
        return parse_options(AnnotateOptions, {"format": "json", "controls": tuple(controls)})
    wanted = only_labelled(controls, pointed.label)
    return parse_options(AnnotateOptions, {"format": "json", "controls": wanted, "hints": pointed.hints})


async def _predict(request: Request, service: Service, task: Task, variable: str, options: AnnotateOptions) -> bytes:
    """Its JSON."""
    value = task.data.get(variable)
    if not isinstance(value, str) or not value:
        raise MissingImage(f"the task's data has no picture in {variable!r}")
    image = await picture_of(request, service, task.id, value)
    return await run_one_of_several(request, service, ImageRequest(ANNOTATE, options, image))


def worded(refusal: Refusal) -> Response:
    """Label Studio shows the status, and keeps the rest in its log."""
    return JSONResponse({"error": refusal.detail, "code": refusal.code, "status": refusal.status}, refusal.status)


LABEL_STUDIO = Door(
    name="label-studio",
    help="Label Studio, as its machine learning backend",
    router=router,
    prefixes=frozenset({PREFIX}),
    refusal=worded,
    open_paths=frozenset({PREFIX, f"{PREFIX}/", f"{PREFIX}/health"}),
)

"""The door for X-AnyLabeling's remote server: `GET /v1/models`, `POST /v1/predict`. Its shapes are polygons.

A shape is one ring of points, so a region with holes is several of them, cut along pixel edges, of one `group_id`. The
program takes a point that equals the first one for the end, and for nothing else: so every ring ends with it.

Source: https://github.com/CVHub520/X-AnyLabeling-Server, `docs/router.md`; X-AnyLabeling 4.2.1,
`services/auto_labeling/remote_server.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from service import errors
from service.api.doorway import Refusal
from service.api.running import response_of, run_operation
from service.api.state import ServiceDep
from service.doors.door import Door
from service.doors.reading import decode_base64, parsed, read_json
from service.engine.request import ImageRequest
from service.errors import MissingImage
from service.models.catalogue import Catalogue, Model
from service.models.labels import ClassTable
from service.models.store import ModelCard
from service.operations.operation import Operation, Product, Seen
from service.operations.options import Format, parse_options
from service.operations.segment import Segmentation, SegmentOptions, segmentation_of
from service.pixels.encoders import simple_rings
from service.pixels.encoders.polygons import MAX_VERTICES, Ring
from service.telemetry.stopwatch import Stopwatch

WIDGETS = [
    {"name": "button_run", "value": None},
    {"name": "input_conf", "value": None},
    {"name": "edit_conf", "value": 0.0},
    {"name": "button_classes_filter", "value": None},
    {"name": "toggle_preserve_existing_annotations", "value": False},
]
"""What the program shows beside the picture: those of its own that mean something here."""


class Params(BaseModel):
    """Those that are honoured; the program sends more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    conf_threshold: float | None = None
    filter_classes: tuple[str, ...] | None = None


class Question(BaseModel):
    """The body of `/v1/predict`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str | None = None
    image: str = ""
    params: Params | None = None


class OutlineOptions(SegmentOptions):
    """Options of `segment`, and of the shapes."""

    least_score: float = 0.0
    only: tuple[str, ...] | None = Field(None, description="Names of classes; None for all.")


class Outline(Operation[OutlineOptions]):
    """Shapes around every region of every class."""

    def choose_model(self, catalogue: Catalogue, options: OutlineOptions) -> Model:
        return catalogue.card_for_segment(options.model)

    def class_ids(self, classes: ClassTable, options: OutlineOptions) -> tuple[int, ...]:
        return classes.foreground

    def finish(self, seen: Seen, options: OutlineOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        with watch.measure("matte"):
            segmentation = segmentation_of(seen, options, accepted)
        with watch.measure("encode"):
            data = {"shapes": list(shapes(segmentation, options)), "description": ""}
            return Product(to_json({"success": True, "data": data}), "json")


def shapes(segmentation: Segmentation, options: OutlineOptions) -> Iterator[Mapping[str, Any]]:
    """Of the classes that are wanted and sure enough. Raises TooManyVertices."""
    budget, group = MAX_VERTICES, 0
    for entry in segmentation.present():
        region = segmentation.mask(entry.id)
        score = segmentation.score(region)
        if score < options.least_score or (options.only is not None and entry.name not in options.only):
            continue
        found = simple_rings.encode(region, budget)
        budget -= simple_rings.count_points(found)
        for pieces in found:
            group += len(pieces) > 1
            yield from (shape(entry.name, score, ring, group if len(pieces) > 1 else None) for ring in pieces)


def shape(label: str, score: float, ring: Ring, group: int | None) -> Mapping[str, Any]:
    """One of the program's own, with everything that it can have."""
    return {
        "label": label,
        "shape_type": "polygon",
        "points": [*ring, ring[0]],
        "score": score,
        "group_id": group,
        "attributes": {},
        "description": None,
        "difficult": False,
        "direction": 0,
        "flags": None,
        "kie_linking": [],
    }


OUTLINE = Outline(
    name="segment",
    summary="Outline every class",
    description="Polygons without holes.",
    options=OutlineOptions,
    formats=("json",),
)

router = APIRouter()


@router.get("/v1/models")
async def models(service: ServiceDep) -> Response:
    """The loaded models, by name."""
    cards = service.pipeline.catalogue.cards
    return JSONResponse({"success": True, "data": {card.name: described(card) for card in cards}})


@router.get("/v1/models/{name}/info")
async def model(name: str, service: ServiceDep) -> Response:
    """One of them."""
    card = service.pipeline.catalogue.card(name)
    return JSONResponse({"success": True, "data": {"model_id": card.name, **described(card)}})


def described(card: ModelCard) -> Mapping[str, Any]:
    """What the program needs to offer a model."""
    table = card.class_table
    return {
        "display_name": card.label,
        "widgets": WIDGETS,
        "params": {},
        "batch_processing_mode": "default",
        "classes": [table[class_id].name for class_id in table.foreground],
    }


@router.post("/v1/predict")
async def predict(request: Request, service: ServiceDep) -> Response:
    """The shapes in one picture."""
    asked = parsed(Question, await read_json(request))
    if not asked.image:
        raise MissingImage("send the picture as `image`, base64 or a data URI")
    params = asked.params or Params()
    given = {
        "model": asked.model,
        "format": "json",
        "least_score": params.conf_threshold or 0.0,
        "only": params.filter_classes,
    }
    options = parse_options(OutlineOptions, given)
    answer = await run_operation(
        request, service, ImageRequest(OUTLINE, options, await decode_base64(request, asked.image))
    )
    return response_of(answer)


CODES: Mapping[type[errors.Failure], str] = {
    errors.UnknownModel: "MODEL_NOT_FOUND",
    errors.MissingKey: "UNAUTHORIZED",
    errors.UnknownKey: "UNAUTHORIZED",
    errors.ScopeMissing: "UNAUTHORIZED",
    errors.MissingImage: "INVALID_IMAGE",
    errors.UnsupportedImage: "INVALID_IMAGE",
    errors.UndecodableImage: "INVALID_IMAGE",
    errors.TooManyPixels: "INVALID_IMAGE",
    errors.QueueFull: "QUEUE_FULL",
    errors.BadInput: "INVALID_REQUEST",
    errors.Failure: "INFERENCE_ERROR",
}
"""The first that fits."""

KEPT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""Of paths that are not there."""


def worded(refusal: Refusal) -> Response:
    """200 with `success: false`, as the program wants it; but what may be tried again keeps its status."""
    failure = refusal.failure
    code = next((code for kind, code in CODES.items() if isinstance(failure, kind)), refusal.code.upper())
    is_kept = isinstance(failure, errors.Unavailable) or (failure is None and refusal.status in KEPT)
    error = {"code": code, "message": refusal.detail}
    body = {"success": False, "error": error, **({"detail": refusal.detail} if is_kept else {})}
    return JSONResponse(body, refusal.status if is_kept else HTTPStatus.OK)


X_ANYLABELING = Door(
    name="x-anylabeling",
    help="X-AnyLabeling, as its remote server",
    router=router,
    prefixes=frozenset({"/v1/models", "/v1/predict"}),
    refusal=worded,
)

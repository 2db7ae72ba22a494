"""The door for clients of Hugging Face's image segmentation: a picture in, a list of labels, masks and scores out.

Source: the task's specification, https://huggingface.co/docs/inference-providers/tasks/image-segmentation.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from service.api.doorway import Refusal
from service.api.fetching import fetch_picture
from service.api.request_headers import MULTIPART, media_type_of
from service.api.running import response_of, run_operation
from service.api.state import Service, ServiceDep
from service.doors.door import Door
from service.doors.reading import JSON, decode_base64, parsed, read_fields, read_json
from service.engine.request import ImageRequest
from service.errors import BadOption, MissingImage, NotOffered
from service.fetch import is_url
from service.operations.operation import Product, Seen
from service.operations.options import Format, parse_options
from service.operations.segment import Segment, Segmentation, SegmentOptions, mask_png, segmentation_of
from service.telemetry.stopwatch import Stopwatch

Fraction = Annotated[float, Field(ge=0, le=1)]

SURE = 0.001
"""Ours are probabilities between 0 and 1; a client may ask for 0 or 1 itself."""


class Parameters(BaseModel):
    """Those of the task; what else there is, other servers pass over as well."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subtask: Literal["semantic", "instance", "panoptic"] | None = None
    threshold: Fraction = 0.0
    """Masks with a lower score are left out."""
    mask_threshold: Fraction = 0.5
    """From which probability a pixel belongs to a mask."""
    overlap_mask_area_threshold: Fraction = 0.8
    """Our masks never overlap."""


class TaskOptions(SegmentOptions):
    """Options of `segment`, and what the task has beyond."""

    min_score: float = 0.0


class ImageSegmentation(Segment):
    """`segment`, answering as the task's specification says."""

    def finish(self, seen: Seen, options: SegmentOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        assert isinstance(options, TaskOptions)
        with watch.measure("matte"):
            segmentation = segmentation_of(seen, options, accepted)
        with watch.measure("encode"):
            return Product(to_json(list(_segments(segmentation, options.min_score))), "json")


def _segments(segmentation: Segmentation, min_score: float) -> Iterator[dict[str, Any]]:
    """Every class that is present: its label, its mask (PNG, mode L, 0 or 255) as base64, its score."""
    for entry in segmentation.present():
        region = segmentation.mask(entry.id)
        score = segmentation.score(region)
        if score >= min_score:
            yield {"label": entry.name, "mask": base64.b64encode(mask_png(region)).decode(), "score": score}


IMAGE_SEGMENTATION = ImageSegmentation(
    name="segment",
    summary="Say what every pixel shows, as Hugging Face does",
    description="Labels, masks and scores.",
    options=TaskOptions,
    formats=("json",),
)

router = APIRouter()


@router.post("/hf/image-segmentation")
@router.post("/hf/image-segmentation/{model:path}")
async def image_segmentation(request: Request, service: ServiceDep, model: str = "") -> Response:
    """The picture as the raw body, or as base64 under `inputs` of a JSON object that may have `parameters`."""
    photo, parameters = await _read(request, service)
    if parameters.subtask in ("instance", "panoptic"):
        raise NotOffered(f"subtask={parameters.subtask}: segmentation is semantic here, two people are one mask")
    given = {
        "model": model or None,
        "output": "masks",
        "format": "json",
        "allow_empty": True,  # the task has an empty list for that
        "threshold": min(max(parameters.mask_threshold, SURE), 1 - SURE),
        "min_score": parameters.threshold,
    }
    answer = await run_operation(
        request, service, ImageRequest(IMAGE_SEGMENTATION, parse_options(TaskOptions, given), photo)
    )
    return response_of(answer)


async def _read(request: Request, service: Service) -> tuple[bytes, Parameters]:
    """The picture and the parameters. Clients name any media type for a picture, or none, so its first byte decides."""
    if media_type_of(request.headers) == MULTIPART:
        return _given((await read_fields(request)).file("inputs", "image", "file")), Parameters()
    body = await request.body()
    if media_type_of(request.headers) != JSON and not body[:64].lstrip().startswith(b"{"):
        return _given(body), Parameters()
    said = await read_json(request)
    parameters = _parameters(said.get("parameters"))
    return await _picture(request, service, said.get("inputs")), parameters


async def _picture(request: Request, service: Service, inputs: object) -> bytes:
    if not isinstance(inputs, str):
        raise MissingImage("`inputs` is the picture as base64")
    if is_url(inputs):
        return _given(await fetch_picture(request, service, inputs))
    return _given(await decode_base64(request, inputs))


def _given(photo: bytes | None) -> bytes:
    if not photo:
        raise MissingImage("send the picture as the body, or as base64 under `inputs` of a JSON object")
    return photo


def _parameters(given: object) -> Parameters:
    """Those that are null are not given. Raises BadOption, naming each wrong one."""
    if not isinstance(given, dict | None):
        raise BadOption("`parameters` is a JSON object")
    return parsed(Parameters, {name: value for name, value in (given or {}).items() if value is not None})


def worded(refusal: Refusal) -> Response:
    """As Hugging Face's servers do."""
    return JSONResponse({"error": refusal.detail}, refusal.status)


HUGGINGFACE = Door(
    name="huggingface",
    help="Hugging Face's image segmentation",
    router=router,
    prefixes=frozenset({"/hf"}),
    refusal=worded,
)

"""The door for clients of withoutBG: of its cloud, of the server in its present images, and of that in its older one.

Sources: https://github.com/withoutbg/withoutbg-python, https://github.com/withoutbg/withoutbg-inference and
https://github.com/withoutbg/withoutbg, as of November 2026.
"""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from PIL import Image
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from service import __version__
from service.api.doorway import Refusal
from service.api.fetching import fetch_picture
from service.api.request_headers import MULTIPART, media_type_of
from service.api.running import response_of, run_operation
from service.api.state import Service, ServiceDep
from service.doors.door import Door
from service.doors.reading import JSON, decode_base64, read_fields, read_json
from service.engine.request import ImageRequest
from service.errors import BadOption, MissingImage, Unavailable
from service.operations.correction import CORRECTION
from service.operations.effect import Effect, Scene
from service.operations.operation import Product, Seen
from service.operations.options import Format, parse_options
from service.operations.remove_background import REMOVE_BACKGROUND, RemoveBackgroundOptions, cutout
from service.operations.replace_background import REPLACE_BACKGROUND
from service.pixels.encoders import encode_png
from service.telemetry.stopwatch import Stopwatch

PHOTO = ("image", "file", "image_base64")
"""What the three call the picture, in forms and in JSON."""

PHOTO_URL = "image_url"

CORRECTION_NAMES = tuple(picture.name for picture in CORRECTION)

OUTPUTS: Mapping[str, str] = {"cutout": "cutout", "processed": "cutout", "matte": "matte"}


@dataclass(frozen=True)
class Sent:
    """What came in a request, whichever way."""

    photo: bytes
    texts: Mapping[str, str] = field(default_factory=dict)
    correction: Mapping[str, bytes] = field(default_factory=dict)
    """Pictures by the names of `CORRECTION`, which are the same there and here."""
    is_json: bool = False


@dataclass(frozen=True)
class EffectAsJson(Effect[RemoveBackgroundOptions]):
    """`remove-background`, whose pictures come as text."""

    describe: Callable[[Scene], Mapping[str, str]] = field(kw_only=True)

    def finish(
        self, seen: Seen, options: RemoveBackgroundOptions, accepted: Sequence[Format], watch: Stopwatch
    ) -> Product:
        with watch.measure("matte"):
            scene = self.scene(seen, options)
        with watch.measure("encode"):
            described = self.describe(scene)
        latency_ms = round(sum(watch.elapsed_ms.values()))
        return Product(to_json({**described, "latencyMs": latency_ms}), "json")


def _base64_png(picture: Image.Image) -> str:
    return base64.b64encode(encode_png(picture)).decode("ascii")


def _for_the_cloud(scene: Scene) -> Mapping[str, str]:
    return {"alpha_base64": _base64_png(scene.matte)}


def _for_the_image(scene: Scene) -> Mapping[str, str]:
    pictures = {"processed": scene.cut_out(decontaminate=True), "alphaMatte": scene.matte}
    return {name: f"data:image/png;base64,{_base64_png(picture)}" for name, picture in pictures.items()}


def _as_json(describe: Callable[[Scene], Mapping[str, str]]) -> EffectAsJson:
    return EffectAsJson(
        name="remove-background",
        summary="Cut the subject out, as withoutBG does",
        description="The cutout or its matte, as base64.",
        options=RemoveBackgroundOptions,
        formats=("json",),
        pictures=CORRECTION,
        compose=cutout,
        describe=describe,
    )


ALPHA_AS_BASE64, BOTH_AS_BASE64 = _as_json(_for_the_cloud), _as_json(_for_the_image)

router = APIRouter()


@router.post("/v1.0/alpha-channel-base64")
async def alpha_channel(request: Request, service: ServiceDep) -> Response:
    """The cloud's: the matte, which its client enlarges and lays on the photo."""
    return await _answer(request, service, _image_request(ALPHA_AS_BASE64, await _read(request, service)))


@router.post("/v1/remove-background")
@router.post("/api/v1/remove-background")
async def remove_background(request: Request, service: ServiceDep) -> Response:
    """The present images': the cutout or the matte as PNG, or both in JSON for who asks in JSON."""
    sent = await _read(request, service)
    if sent.is_json:
        return await _answer(request, service, _image_request(BOTH_AS_BASE64, sent))
    output = sent.texts.get("output", "cutout").lower()
    if output not in OUTPUTS:
        raise BadOption("`output` is cutout or matte")
    return await _answer(
        request, service, _image_request(REMOVE_BACKGROUND, sent, format="png", output=OUTPUTS[output])
    )


@router.post("/api/remove-background")
async def remove_background_as_before(request: Request, service: ServiceDep) -> Response:
    """The older image's: the cutout as PNG or WebP, or on white as JPEG."""
    sent = await _read(request, service)
    format_ = sent.texts.get("format", "").lower() or "png"
    given = {"format": format_, "quality": sent.texts.get("quality", "")}
    if format_ in ("jpg", "jpeg"):
        return await _answer(request, service, _image_request(REPLACE_BACKGROUND, sent, color="white", **given))
    return await _answer(request, service, _image_request(REMOVE_BACKGROUND, sent, **given))


@router.get("/health")
async def health(service: ServiceDep) -> Response:
    """The present images' own; `/readyz` is the probe to use."""
    card = service.pipeline.catalogue.cards[0]
    return JSONResponse({"status": "ok", "model": card.name, "version": card.version})


@router.get("/ready")
async def ready(service: ServiceDep) -> Response:
    is_ready = _is_ready(service)
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"status": "ready" if is_ready else "not_ready"}, status)


@router.get("/api/health")
async def health_as_before(service: ServiceDep) -> Response:
    said = {"status": "healthy", "service": "silhouette", "version": __version__}
    return JSONResponse({**said, "models_loaded": _is_ready(service)})


def _is_ready(service: Service) -> bool:
    try:
        service.check_ready()
    except Unavailable:
        return False
    return True


async def _read(request: Request, service: Service) -> Sent:
    """What came, with a picture in it; where only its URL came, fetched. Options in the query win."""
    sent = await _in_the_body(request)
    sent = replace(sent, texts={**sent.texts, **request.query_params})
    if not sent.photo and sent.texts.get(PHOTO_URL):
        sent = replace(sent, photo=await fetch_picture(request, service, sent.texts[PHOTO_URL]))
    if not sent.photo:
        raise MissingImage(f"send the picture as the body, as a file, or in JSON as base64: {', '.join(PHOTO)}")
    return sent


async def _in_the_body(request: Request) -> Sent:
    """A form, JSON, or the picture itself under any media type or none."""
    media_type = media_type_of(request.headers)
    if media_type == MULTIPART:
        fields = await read_fields(request)
        correction = {name: sent for name in CORRECTION_NAMES if (sent := fields.file(name))}
        return Sent(fields.file(*PHOTO) or b"", fields.last_texts, correction)
    if media_type == JSON:
        said = {name: value for name, value in (await read_json(request)).items() if value is not None}
        texts = {name: value for name, value in said.items() if isinstance(value, str)}
        correction = {name: await decode_base64(request, texts[name]) for name in CORRECTION_NAMES if name in texts}
        return Sent(await _decoded(request, texts), texts, correction, is_json=True)
    return Sent(await request.body())


async def _decoded(request: Request, texts: Mapping[str, str]) -> bytes:
    text = next((texts[name] for name in PHOTO if name in texts), "")
    return await decode_base64(request, text)


def _image_request(operation: Effect[Any], sent: Sent, **given: str) -> ImageRequest:
    """Where there is no subject withoutBG answers with an empty picture, and so do we."""
    options = parse_options(operation.options, {**given, "allow_empty": True})
    return ImageRequest(operation, options, sent.photo, sent.correction)


async def _answer(request: Request, service: Service, wanted: ImageRequest) -> Response:
    began_s = time.monotonic()
    answer = await run_operation(request, service, wanted)
    return response_of(answer, {"X-Latency-Ms": str(round((time.monotonic() - began_s) * 1000))})


def worded(refusal: Refusal) -> Response:
    """The present images say `error`, the older one `detail`."""
    return JSONResponse({"error": refusal.detail, "detail": refusal.detail}, refusal.status)


PROBES = frozenset({"/health", "/ready", "/api/health"})

WITHOUTBG = Door(
    name="withoutbg",
    help="withoutBG's cloud and its images",
    router=router,
    prefixes=PROBES
    | {"/v1/remove-background", "/api/v1/remove-background", "/api/remove-background", "/v1.0/alpha-channel-base64"},
    refusal=worded,
    open_paths=PROBES,
)

"""The door for clients of rembg's server: `POST /api/remove` with a `file`, `GET /api/remove` with a `url`.

Source: https://github.com/danielgatis/rembg, `rembg/commands/s_command.py`, as of 2.0.86.
"""

from collections.abc import Container, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Request
from PIL import Image
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.responses import JSONResponse, RedirectResponse, Response

from service.api.doorway import Refusal
from service.api.fetching import fetch_picture
from service.api.running import response_of, run_operation
from service.api.state import Service, ServiceDep
from service.doors.door import Door
from service.doors.reading import read_fields
from service.engine.request import ImageRequest
from service.errors import BadOption, FetchFailed, MissingImage, UrlRefused
from service.operations.effect import Effect, Scene
from service.operations.options import parse_options
from service.operations.remove_background import RemoveBackgroundOptions
from service.pixels.edges import feather, shift_edge
from service.pixels.matting import Matte

SUBJECT, PERSON = "u2net", "selfie"

MODELS: Mapping[str, str] = {
    "u2net": SUBJECT,
    "u2netp": SUBJECT,
    "silueta": SUBJECT,
    "isnet-general-use": SUBJECT,
    "isnet-anime": SUBJECT,
    "birefnet-general": SUBJECT,
    "birefnet-general-fp16": SUBJECT,
    "birefnet-general-lite": SUBJECT,
    "birefnet-dis": SUBJECT,
    "birefnet-hrsod": SUBJECT,
    "birefnet-cod": SUBJECT,
    "birefnet-massive": SUBJECT,
    "bria-rmbg": SUBJECT,
    "u2net_human_seg": PERSON,
    "birefnet-portrait": PERSON,
}
"""rembg's name -> ours that does the same, see `model_for`. Not here: those that want a prompt or a file
(`sam`, the `_custom` ones), that answer with something else (`u2net_cloth_seg`), or that are somebody's cloud."""

THE_SAME: Mapping[str, str] = {
    "u2netp": "u2netp",
    "birefnet-general": "birefnet-general",
    "birefnet-general-lite": "birefnet-lite",
    "birefnet-portrait": "birefnet-portrait",
}
"""rembg's name -> ours of the very same network, which not everybody has loaded."""

Channel = Annotated[int, Field(ge=0, le=255)]


def _split(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


def _check_model(name: str) -> str:
    """For pydantic: rembg has a pattern there, of which no caller reads which models there are."""
    if name not in MODELS:
        known = {"known": ", ".join(MODELS)}
        raise PydanticCustomError("string_pattern_mismatch", "there is no such model; there are {known}", known)
    return name


class Parameters(BaseModel):
    """Under the names that rembg has for them."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    model: Annotated[str, AfterValidator(_check_model)] | None = None
    a: bool = False
    """Alpha matting."""
    af: Channel = 240
    ab: Channel = 10
    ae: int = Field(10, ge=0)
    """Of alpha matting: thresholds and erosion. Our refinement finds by itself where the network is unsure."""
    om: bool = False
    """Only the mask."""
    ppm: bool = False
    """Post-process the mask."""
    dc: bool = True
    """Decontaminate. Off in rembg, which has the old background in its edges then."""
    vm: bool = False
    """Refine the edge."""
    bgc: Annotated[tuple[Channel, ...], BeforeValidator(_split), Field(min_length=3, max_length=4)] | None = None
    """Background: red, green, blue and, where it is not 255, alpha."""


class BadParameter(BadOption):
    """As FastAPI tells it."""

    code = "bad_parameter"
    title = "A parameter has a value that rembg does not take"

    def __init__(self, entries: list[Mapping[str, Any]]) -> None:
        super().__init__("; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in entries))
        self.entries = entries

    @classmethod
    def of(cls, error: ValidationError, place: str) -> Self:
        """`place` is where the parameters were: `query` or `body`."""
        entries = error.errors(include_url=False, include_context=False)
        return cls([{**entry, "loc": [place, *entry["loc"]]} for entry in entries])


class RembgOptions(RemoveBackgroundOptions):
    """Options of `remove-background`, and what rembg does beyond."""

    smooth_mask: bool = False
    background: tuple[int, ...] | None = None


def smoothed(matte: Matte) -> Matte:
    """Without specks, its outline smooth, and nothing half: rembg's `ppm`. L in and out.

    An opening by the pixels beside each, a Gaussian of sigma 2, and half of the levels as threshold.
    """
    opened = shift_edge(shift_edge(matte, -1), 1)
    return feather(opened, 2).point(lambda level: 255 if level >= 127 else 0)


def compose(scene: Scene, options: RembgOptions) -> Image.Image:
    """The matte alone (L), or the subject with straight alpha (RGBA), on a background where one is wanted."""
    if options.smooth_mask:
        hard = smoothed(scene.matte)
        scene = Scene(scene.photo, hard, scene.pictures, hard)
    if options.output == "matte":
        return scene.matte
    cutout = scene.cut_out(options.decontaminate)
    if options.background is None:
        return cutout
    return Image.alpha_composite(Image.new("RGBA", cutout.size, options.background), cutout)


CUT = Effect(
    name="remove-background",
    summary="Cut the subject out, as rembg does",
    description="The subject with straight alpha, or its matte alone.",
    options=RembgOptions,
    formats=("png",),
    compose=compose,
)

router = APIRouter()


@router.post("/api/remove")
async def remove(request: Request, service: ServiceDep) -> Response:
    """The picture in the form's `file`, cut out, as PNG."""
    fields = await read_fields(request)
    parameters = _parameters({**request.query_params, **fields.last_texts}, "body")
    photo = fields.file("file")
    if photo is None:
        raise MissingImage("send the picture as a multipart file named `file`")
    return await _cut(request, service, photo, parameters)


@router.get("/api/remove")
async def remove_by_url(request: Request, service: ServiceDep) -> Response:
    """The picture behind the query's `url`, cut out, as PNG."""
    parameters = _parameters(request.query_params, "query")
    await request.body()
    if not request.query_params.get("url"):
        raise BadParameter([{"type": "missing", "loc": ["query", "url"], "msg": "Field required", "input": None}])
    photo = await fetch_picture(request, service, request.query_params["url"])
    return await _cut(request, service, photo, parameters)


@router.get("/api")
async def documentation(request: Request) -> Response:
    """Where rembg has its own."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


def _parameters(given: Mapping[str, str], place: str) -> Parameters:
    try:
        return Parameters.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        raise BadParameter.of(error, place) from error


async def _cut(request: Request, service: Service, photo: bytes, parameters: Parameters) -> Response:
    given = {
        "model": _model(service, parameters.model),
        "format": "png",
        "output": "matte" if parameters.om else "cutout",
        "decontaminate": parameters.dc or parameters.a,
        "refine": "on" if parameters.vm or parameters.a else "auto",
        "allow_empty": True,  # rembg has no such failure
        "smooth_mask": parameters.ppm,
        "background": parameters.bgc,
    }
    options = parse_options(RembgOptions, given)
    answer = await run_operation(request, service, ImageRequest(CUT, options, photo))
    return response_of(answer)


def _model(service: Service, name: str | None) -> str | None:
    return model_for(name, {card.name for card in service.pipeline.catalogue.cards})


def model_for(name: str | None, served: Container[str]) -> str | None:
    """Of those that are served the very same network, or ours that does the same; None for the default one."""
    wanted = [THE_SAME.get(name), MODELS[name]] if name else []
    return next((ours for ours in wanted if ours in served), None)


def worded(refusal: Refusal) -> Response:
    """As FastAPI does: a text, or a list for parameters. What could not be fetched is 400."""
    detail: str | list[Mapping[str, Any]] = refusal.detail
    status = refusal.status
    match refusal.failure:
        case BadParameter(entries=entries):
            detail = entries
        case MissingImage():
            detail = [{"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": None}]
        case UrlRefused() | FetchFailed():
            status = HTTPStatus.BAD_REQUEST
    return JSONResponse({"detail": detail}, status)


REMBG = Door(
    name="rembg",
    help="rembg's server, `rembg s`",
    router=router,
    prefixes=frozenset({"/api"}),
    refusal=worded,
    open_paths=frozenset({"/api"}),
    working_gets=frozenset({"/api/remove"}),
)

"""The door for clients of Roboflow's inference server: SAM2's `embed_image` and `segment_image`.

Source: https://docs.roboflow.com/models/supported-models/sam2; inference-sdk 1.8, `sam2_segment_image`.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from service.api.doorway import Refusal
from service.api.exchange import exchange_of
from service.api.fetching import fetch_picture
from service.api.running import by_size, run_one_of_several
from service.api.state import Service, ServiceDep
from service.doors.door import Door
from service.doors.reading import decode_base64, parsed, read_json
from service.doors.roboflow.answer import PROMPTED, PromptedOptions, Written
from service.doors.roboflow.prompts import Prompt, Question
from service.engine.request import ImageRequest
from service.errors import BadOption, MissingImage, NotOffered
from service.operations.correction import MATTE
from service.operations.options import parse_options
from service.operations.remove_background import REMOVE_BACKGROUND, RemoveBackgroundOptions

ID_DIGITS = 12
"""As many as Roboflow's own have, where the client names none."""

WRITTEN: dict[str, Written] = {"json": "polygon", "polygon": "polygon", "rle": "rle"}

router = APIRouter()


@router.post("/sam2/embed_image")
async def embed_image(request: Request, service: ServiceDep) -> Response:
    """Looks at a picture. With a cache of answers, the prompts that follow are answered without the network."""
    began_s = time.monotonic()
    asked = parsed(Question, await read_json(request))
    image = await _picture(request, service, asked)
    await Looker(request, service, image, exchange_of(request).charging_once()).matte()
    image_id = asked.image_id or await by_size(len(image), _id_of, image)
    return JSONResponse({"image_id": image_id, "time": time.monotonic() - began_s})


@router.post("/sam2/segment_image")
async def segment_image(request: Request, service: ServiceDep) -> Response:
    """One prediction a prompt, in their order; without any, one of all that is the subject."""
    began_s = time.monotonic()
    asked = parsed(Question, await read_json(request))
    written = _written(asked.format)
    image = await _picture(request, service, asked)
    looker = Looker(request, service, image, exchange_of(request).charging_once())
    predictions = [await looker.prediction(prompt, written) for prompt in asked.prompts or (Prompt(),)]
    took = to_json(time.monotonic() - began_s)
    body = b'{"predictions":[' + b",".join(predictions) + b'],"time":' + took + b"}"
    return Response(body, media_type="application/json")


def _written(format_: str) -> Written:
    if format_ == "binary":
        raise NotOffered("format=binary is the arrays of the network itself; ask for json or rle")
    if format_ not in WRITTEN:
        raise BadOption("`format` is json or rle")
    return WRITTEN[format_]


async def _picture(request: Request, service: Service, asked: Question) -> bytes:
    if asked.image is None:
        raise MissingImage("send the picture as `image`, also where it has an `image_id`: none is kept here")
    if asked.image.type == "url":
        image = await fetch_picture(request, service, asked.image.value)
    else:
        image = await decode_base64(request, asked.image.value)
    if not image:
        raise MissingImage("the picture is empty")
    return image


@dataclass(frozen=True)
class Looker:
    """Looks at one picture for one request, as often as it takes; the caller's key pays for it once."""

    request: Request
    service: Service
    image: bytes
    charge: Callable[[int], None]

    async def prediction(self, prompt: Prompt, written: Written) -> bytes:
        """Its JSON. Points alone correct what the network said of the whole picture; into a box it looks again."""
        pictures = {} if prompt.box else {MATTE: await self.matte()}
        given = {"format": None, "written": written, "hints": prompt.hints, "allow_empty": True}
        return await self._run(ImageRequest(PROMPTED, parse_options(PromptedOptions, given), self.image, pictures))

    async def matte(self) -> bytes:
        given = {"output": "matte", "format": "png", "allow_empty": True}
        options = parse_options(RemoveBackgroundOptions, given)
        return await self._run(ImageRequest(REMOVE_BACKGROUND, options, self.image))

    async def _run(self, wanted: ImageRequest) -> bytes:
        return await run_one_of_several(self.request, self.service, wanted, self.charge)


def _id_of(image: bytes) -> str:
    return hashlib.blake2b(image).hexdigest()[:ID_DIGITS]


def worded(refusal: Refusal) -> Response:
    """The SDK shows `message`."""
    return JSONResponse({"message": refusal.detail}, refusal.coarse_status)


ROBOFLOW = Door(
    name="roboflow",
    help="Roboflow's inference server, as its SAM2",
    router=router,
    prefixes=frozenset({"/sam2"}),
    refusal=worded,
)

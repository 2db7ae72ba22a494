"""OpenAI's `POST /v1/images/edits`, for prompts that are about the background."""

import base64
import io
import time
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from PIL import Image
from pydantic_core import to_json

from service.api.running import answer_headers, by_size, run_operation
from service.api.state import ServiceDep
from service.doors.openai.masked import MASK, within_mask
from service.doors.openai.prompt import EXAMPLES, REMOVE, Edit, PromptRefused, read_prompt
from service.doors.openai.request import EditRequest, read_edit_request
from service.engine.request import Answer, ImageRequest
from service.errors import BadOption
from service.operations import OPERATIONS
from service.operations.effect import Effect
from service.operations.options import MEDIA_TYPES, parse_options

ON_WHITE = Edit("replace-background", {"color": "white"})

TRANSPARENT, OPAQUE = "transparent", "opaque"

EFFORTS: Mapping[str, str] = {"high": "best", "hd": "best", "xhigh": "best", "max": "best"}
"""Of each `quality`; every other is `fast`."""

FOREIGN_MODELS = ("gpt-image", "chatgpt-image", "dall-e")
"""Names that clients send unless they are told another: the default model answers, and X-Model says which."""

EVENT_STREAM, COMPLETED = "text/event-stream", "image_edit.completed"

NO_TOKENS: Mapping[str, Any] = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}
"""What an event says was used, as clients read it there."""


async def edit(request: Request, service: ServiceDep) -> Response:
    """The picture with another background, as `data[0].b64_json`."""
    asked = await read_edit_request(request, service)
    wanted = wanted_edit(asked)
    answer = await run_operation(request, service, _image_request(asked, wanted))
    write = _as_event if asked.wants_stream else _as_json
    body = await by_size(len(answer.body), write, answer)
    media_type = EVENT_STREAM if asked.wants_stream else MEDIA_TYPES["json"]
    return Response(body, media_type=media_type, headers=answer_headers(answer))


def wanted_edit(asked: EditRequest) -> Edit:
    """What the prompt, `background` and `output_format` come to together. Raises PromptRefused or BadOption."""
    if not asked.prompt.strip() and asked.background == TRANSPARENT:
        wanted: Edit | None = REMOVE
    else:
        wanted = read_prompt(asked.prompt) or (REMOVE if asked.background == TRANSPARENT else None)
    if wanted is None:
        raise PromptRefused(f"the prompt asks for no other background: {EXAMPLES}")
    if asked.background == TRANSPARENT and wanted != REMOVE:
        raise BadOption(f"background: transparent, but the prompt asks for another one: {asked.prompt!r}")
    if wanted != REMOVE:
        return wanted
    if asked.background == TRANSPARENT and asked.output_format == "jpeg":
        raise BadOption("output_format: jpeg knows no transparency; ask for png or webp")
    return ON_WHITE if asked.background == OPAQUE or asked.output_format == "jpeg" else REMOVE


def _image_request(asked: EditRequest, wanted: Edit) -> ImageRequest:
    """Raises BadOption where pictures and prompt do not go together."""
    operation = OPERATIONS[wanted.operation]
    given = {**wanted.options, "format": asked.output_format, "effort": EFFORTS.get(asked.quality, "fast")}
    if asked.compression is not None and asked.output_format != "png":
        given["quality"] = str(max(1, asked.compression))
    if asked.model and not asked.model.startswith(FOREIGN_MODELS):
        given["model"] = asked.model
    pictures = _pictures(asked, wanted)
    if MASK in pictures:
        if not isinstance(operation, Effect) or operation.name == "product-shot":
            raise BadOption("mask: a product shot moves the subject, so no part of the picture can stay as it is")
        operation = within_mask(operation)
    return ImageRequest(operation, parse_options(operation.options, given), asked.images[0], pictures)


def _pictures(asked: EditRequest, wanted: Edit) -> dict[str, bytes]:
    expected = 2 if wanted.takes_second_image else 1
    if len(asked.images) < expected:
        raise BadOption("image: the prompt speaks of a second image, and there is one")
    if len(asked.images) > expected:
        raise BadOption(
            "image: one picture at a time; a second one can go behind its subject, with the prompt "
            "`replace the background with the second image`"
        )
    background = {"background": asked.images[1]} if wanted.takes_second_image else {}
    return {**background, **({MASK: asked.mask} if asked.mask else {})}


def _as_json(answer: Answer) -> bytes:
    facts = {"created": int(time.time()), **_facts(answer)}
    picture = b'{"b64_json":"' + base64.b64encode(answer.body) + b'"}'
    return to_json(facts)[:-1] + b',"data":[' + picture + b"]}"


def _as_event(answer: Answer) -> bytes:
    """The last event of a stream, which has no others: there are no partial pictures."""
    facts = {"type": COMPLETED, "created_at": int(time.time()), **_facts(answer), "quality": "auto", "usage": NO_TOKENS}
    picture = b',"b64_json":"' + base64.b64encode(answer.body) + b'"}'
    return f"event: {COMPLETED}\ndata: ".encode() + to_json(facts)[:-1] + picture + b"\n\n"


def _facts(answer: Answer) -> dict[str, str]:
    with Image.open(io.BytesIO(answer.body)) as picture:
        width, height = picture.size
        background = TRANSPARENT if "A" in picture.getbands() else OPAQUE
    return {"background": background, "output_format": answer.format, "size": f"{width}x{height}"}

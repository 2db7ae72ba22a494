"""A function for CVAT's agent: the classes in a picture as mask shapes, found by a Silhouette service.

    pip install cvat-cli "cvat-sdk[masks]>=2.80"
    cvat-cli --server-host https://cvat.example.org function create-native Silhouette \\
        --function-file cvat_function.py -p url=str:http://127.0.0.1:8000 -p model=str:deeplab-voc
    cvat-cli --server-host https://cvat.example.org function run-agent 42 \\
        --function-file cvat_function.py -p url=str:http://127.0.0.1:8000 -p model=str:deeplab-voc

With `-p kind=str:interactor -p model=str:u2net` beside the others it is an interactor: points and a box around the one
object that is wanted, and its mask. The network looks at a picture once; points correct what it saw.

42 is the number that `create-native` printed. Where the service wants a key, it is taken from SILHOUETTE_API_KEY. A
class is one shape, and none where nothing of it is seen; as polygons, where CVAT asks for those, it is one for every
region, cut where it has holes.
"""

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import cvat_sdk.auto_annotation as cvataa
import numpy as np
import urllib3
from cvat_sdk import models
from cvat_sdk.masks import encode_mask
from PIL import Image

RETRIES = urllib3.Retry(total=8, connect=2, status_forcelist=(429, 503), allowed_methods=None, backoff_factor=0.5)
"""A busy service says in `Retry-After` when to come back, and is asked again then. Nothing is changed by asking."""

TIMEOUT_S = 120

HALF = 128
"""Of 255: from here on a pixel belongs to the mask."""


def create(url: str = "http://127.0.0.1:8000", model: str = "", kind: str = "detector") -> "Function | Interactor":
    """The function, of one of the service's models: by its name, or else, for a detector, the first one that knows many
    classes, and for an interactor the service's default."""
    service = Service(url.rstrip("/"), {"X-Api-Key": key} if (key := os.environ.get("SILHOUETTE_API_KEY")) else {})
    loaded = service.get("/models")
    if kind == "interactor":
        return Interactor(service, _chosen(loaded, model or loaded[0]["name"])["name"])
    return Function(service, _chosen(loaded, model))


def _chosen(loaded: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    wanted = [entry for entry in loaded if (entry["name"] == name if name else entry["head"] == "softmax")]
    if name and not wanted:
        raise LookupError(f"no model {name!r} is loaded; loaded are {', '.join(entry['name'] for entry in loaded)}")
    return (wanted or loaded)[0]


@dataclass(frozen=True)
class Service:
    """A running Silhouette."""

    url: str
    headers: Mapping[str, str]

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def masks(self, picture: bytes, **options: str) -> Any:
        """The classes that are seen, each with its `id`, `score` and `mask`."""
        query = urlencode({"output": "masks", "format": "json", "allow_empty": "true", **options})
        return self._ask("POST", f"/segment?{query}", picture, {"Content-Type": "image/png"})

    def corrected(self, picture: bytes, matte: bytes | None, **options: str) -> bytes:
        """The matte of the subject: an earlier one, or else what the network sees, as the options correct it."""
        files = {"image": ("image.png", picture), **({"matte": ("matte.png", matte)} if matte else {})}
        fields = {"output": "matte", "format": "png", "allow_empty": "true", **options}
        body, media_type = urllib3.encode_multipart_formdata({**fields, **files})
        return self._answer("POST", "/remove-background", body, {"Content-Type": media_type})

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
        return json.loads(self._answer(method, path, body, headers))

    def _answer(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        answer = urllib3.request(
            method,
            self.url + path,
            body=body,
            headers={**self.headers, **(headers or {})},
            retries=RETRIES,
            timeout=TIMEOUT_S,
        )
        if answer.status != 200:
            raise RuntimeError(f"{self.url} answers {answer.status}: {answer.data.decode(errors='replace')}")
        return answer.data


class Function:
    """What CVAT's agent calls."""

    def __init__(self, service: Service, model: Mapping[str, Any]) -> None:
        self._service = service
        self._model = model["name"]
        classes = [entry for entry in model["classes"] if entry["foreground"]]
        labels = [cvataa.label_spec(entry["name"], entry["id"], type="mask") for entry in classes]
        self.spec = cvataa.DetectionFunctionSpec(labels=labels)
        self._classes = ",".join(str(entry["id"]) for entry in classes)

    def detect(
        self, context: cvataa.DetectionFunctionContext, image: Image.Image
    ) -> Sequence[models.LabeledShapeRequest]:
        """The classes that are seen, and sure enough: their mean probability is at least the context's threshold."""
        encoding = "simple-polygons" if context.conv_mask_to_poly else "cvat"
        seen = self._service.masks(_png(image), model=self._model, classes=self._classes, encoding=encoding)
        sure = [entry for entry in seen if entry["score"] >= (context.conf_threshold or 0)]
        return [shape for entry in sure for shape in _shapes(entry, as_polygons=context.conv_mask_to_poly)]


@dataclass(frozen=True)
class Looked:
    """A picture, and what the network made of it."""

    picture: bytes
    matte: bytes


class Interactor:
    """What CVAT's agent calls with the points and the box of an annotator."""

    spec = cvataa.InteractionFunctionSpec(min_pos_points=0, min_neg_points=0, min_bounding_boxes=0)

    def __init__(self, service: Service, model: str) -> None:
        self._service = service
        self._model = model

    def preprocess_image(self, context: cvataa.InteractionFunctionContext, image: Image.Image) -> Looked:
        """The agent keeps it: with each further point no network runs."""
        picture = _png(image)
        return Looked(picture, self._service.corrected(picture, None, model=self._model))

    def detect(
        self, context: cvataa.InteractionFunctionContext, pp_image: Looked, prompts: cvataa.InteractionPrompts
    ) -> list[cvataa.InteractionResultShape]:
        """One mask, or none. A box is worth a look of its own, into it."""
        asked = {True: prompts.pos_points, False: prompts.neg_points}
        points = [{"x": x, "y": y, "keep": keep} for keep, places in asked.items() for x, y in places]
        box = prompts.bounding_box
        hints = json.dumps({"points": points, "boxes": [[*box[0], *box[1]]] if box else []})
        earlier = None if box else pp_image.matte
        matte = self._service.corrected(pp_image.picture, earlier, model=self._model, hints=hints)
        mask = np.asarray(Image.open(io.BytesIO(matte))) >= HALF
        return [cvataa.InteractionResultShape(type="mask", points=encode_mask(mask))] if mask.any() else []


def _shapes(entry: Mapping[str, Any], *, as_polygons: bool) -> Iterator[models.LabeledShapeRequest]:
    if not as_polygons:
        yield cvataa.mask(entry["id"], entry["mask"])
        return
    for ring in entry["mask"]:
        yield cvataa.polygon(entry["id"], [coordinate for point in ring for coordinate in point])


def _png(image: Image.Image) -> bytes:
    """Without loss, and quickly: it goes to a neighbour."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()

"""The operation behind `infer`: one look at a picture, and all that is known of it, as arrays of its size."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from service.doors.inference.tensors import as_text, pack
from service.models.catalogue import Catalogue, Model
from service.models.ensemble import Ensemble
from service.models.labels import ClassTable
from service.operations.deciding import decided, void_where_transparent
from service.operations.effect import Scene
from service.operations.operation import Operation, Product, Seen, no_foreground
from service.operations.options import DecontaminatingOptions, Effort, Format, Names
from service.pixels.matting import has_subject, subject_box
from service.telemetry.stopwatch import Stopwatch

Plane = NDArray[np.uint8]


class InferOptions(DecontaminatingOptions):
    """Of remove-background and segment, those that make sense here."""

    allow_empty: bool = Field(True, description="A picture without a subject has an empty matte.")
    threshold: float = Field(0.5, gt=0, lt=1, description="Of labels, for models with a sigmoid head.")
    outputs: Names = ()
    """Names in `PLANES`."""
    texts: Names = ()
    """Those of them that are to be written as JSON has them."""

    @property
    def formats(self) -> tuple[Format, ...]:
        return ("npz",)  # nobody sees it: the door makes the answer


def labels(seen: Seen, scene: Scene, options: InferOptions) -> Plane:
    """(H, W) class ids; 255 where the picture shows nothing."""
    decision = decided(seen, options.threshold, options.refine)
    return void_where_transparent(decision.labels, seen.photo)


def alpha(seen: Seen, scene: Scene, options: InferOptions) -> Plane:
    """(H, W): how much of each pixel is subject, 0 to 255."""
    return np.asarray(scene.matte)


def cutout(seen: Seen, scene: Scene, options: InferOptions) -> Plane:
    """(H, W, 4): the subject with straight alpha."""
    return np.asarray(scene.cut_out(options.decontaminate))


PLANES: Mapping[str, tuple[Callable[[Seen, Scene, InferOptions], Plane], Sequence[int]]] = {
    "labels": (labels, ()),
    "matte": (alpha, ()),
    "cutout": (cutout, (4,)),
}
"""By the names of the outputs: who makes it, and its shape beyond height and width."""


def outputs_of(model: Model) -> tuple[str, ...]:
    """What can be asked of a model: two that answer as one have no label map."""
    return tuple(name for name in PLANES if not (name == "labels" and isinstance(model, Ensemble)))


class Infer(Operation[InferOptions]):
    """All outputs of one look."""

    def choose_model(self, catalogue: Catalogue, options: InferOptions) -> Model:
        return catalogue.model(options.model)

    def class_ids(self, classes: ClassTable, options: InferOptions) -> tuple[int, ...]:
        return classes.find(options.keep)

    def effort(self, options: InferOptions) -> Effort:
        return options.effort

    def finish(self, seen: Seen, options: InferOptions, accepted: Sequence[Format], watch: Stopwatch) -> Product:
        with watch.measure("matte"):
            soft = seen.matte(options.refine)
            if not options.allow_empty and not has_subject(soft):
                raise no_foreground(seen.model, self.class_ids(seen.model.class_table, options))
            scene = Scene.of(seen.photo, soft, seen.pictures, options)
        with watch.measure("compose"):
            planes = {name: PLANES[name][0](seen, scene, options) for name in options.outputs}
        with watch.measure("encode"):
            written = [as_text(plane) if name in options.texts else plane.tobytes() for name, plane in planes.items()]
            width, height = seen.photo.size
            return Product(pack((height, width), written), "npz", subject_box(scene.matte))


INFER = Infer(
    name="infer",
    summary="All that is known of a picture, as arrays",
    description="Label map, matte and cutout.",
    options=InferOptions,
    formats=("npz",),
)

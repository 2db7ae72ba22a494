"""How pictures are prepared for networks of known families, as their authors' own code does it; data, no code.

Sources: torchvision's `SemanticSegmentation` transform, transformers' `SegformerImageProcessor`, the `demo` folders of
the MODNet and BiRefNet repositories, `DIS/IS-Net/Inference.py`, and `ToTensorLab` of the U-2-Net repository.
"""

from collections.abc import Mapping

from service.models.store.card import CardPart, Filter, Resize, Scale, Triple, Values

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
HALF: Triple = (0.5, 0.5, 0.5)
ONE: Triple = (1.0, 1.0, 1.0)


class Habits(CardPart):
    """What a family's networks are used to. Each field may be told otherwise."""

    side: int
    """Of the square that they see, where the graph leaves the size open."""
    resize: Resize = "stretch"
    filter: Filter = "bilinear"
    scale: Scale = "unit"
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    values: Values | None = None
    """None: as the graph shows."""
    open_resize: Resize = "stretch"
    """Instead of `resize`, where the graph leaves both sides open."""
    multiple: int = 1
    keeps_between: bool = False
    """See `InputSpec`."""


HABITS: Mapping[str, Habits] = {
    "u2net": Habits(side=320, filter="lanczos", scale="brightest", values="probabilities"),
    "isnet": Habits(side=1024, mean=HALF, std=ONE, values="probabilities"),
    "birefnet": Habits(side=1024, values="logits"),
    "modnet": Habits(
        side=512,
        filter="box",
        mean=HALF,
        std=HALF,
        values="probabilities",
        open_resize="shorter",
        multiple=32,
        keeps_between=True,
    ),
    "segformer": Habits(side=512, values="logits"),
    "deeplab": Habits(side=520, values="logits", open_resize="shorter"),
}
"""`models add --like`."""

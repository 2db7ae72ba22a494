"""What a network says of one image, and the names of its classes. Knows no network, no file format and no HTTP."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from service.errors import BadOption

Head = Literal["softmax", "sigmoid"]

LabelMap = NDArray[np.uint8]
"""(H, W) class ids; `VOID` where nothing is known. Semantic: two cats share one id."""

Mask = NDArray[np.bool_]
"""(H, W), one class or a union of classes."""

Scores = NDArray[np.float32]
"""(C, h, w) at the network's own output size: logits of a softmax head, or (1, h, w) foreground probability."""

NO_SCORES: Scores = np.zeros((1, 1, 1), np.float32)

VOID = 255
"""The id of pixels that belong to no class, as in Pascal VOC."""

BACKGROUND = 0


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int


class Box(NamedTuple):
    """Edges in (possibly fractional) pixels; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class LabelClass:
    """One class; `color` is (red, green, blue), 0 to 255."""

    id: int
    name: str
    color: tuple[int, int, int]


class ClassTable:
    """Class id <-> name and colour. Ids are 0 to n - 1, and 0 is the background."""

    def __init__(self, classes: Iterable[LabelClass], foreground: Iterable[str]) -> None:
        self._classes = tuple(sorted(classes, key=lambda entry: entry.id))
        self._by_name = {entry.name: entry for entry in self._classes}
        self._by_id = {str(entry.id): entry for entry in self._classes}
        self.foreground = tuple(self._by_name[name].id for name in foreground)
        """The ids that are the subject when a request names no classes."""

    def __iter__(self) -> Iterator[LabelClass]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, class_id: int) -> LabelClass:
        return self._classes[class_id]

    def find(self, names: Iterable[str]) -> tuple[int, ...]:
        """The ids of classes given by name or id, or the foreground's where `names` is empty.

        Raises BadOption, with every known name, for one that is not in the table.
        """
        return tuple(dict.fromkeys(self._find_one(name) for name in names)) or self.foreground

    def _find_one(self, name: str) -> int:
        if name in self._by_name:
            return self._by_name[name].id
        if name in self._by_id:
            return self._by_id[name].id
        known = ", ".join(entry.name for entry in self._classes)
        raise BadOption(f"no class is called {name!r}; the model knows {known}")


@dataclass(frozen=True)
class Prediction:
    """What one network says of one image, with the geometry that maps it back."""

    head: Head
    scores: Scores
    box: Box
    """The part of `scores` that shows the image, in score pixels: padding lies outside."""
    size: Size
    """The image's upright size."""
    classes: ClassTable

    @classmethod
    def of_nothing(cls, size: Size, classes: ClassTable) -> Self:
        """Of an image that no network looked at: one sample, which says no."""
        return cls("sigmoid", NO_SCORES, Box(0, 0, 1, 1), size, classes)

    @property
    def grid(self) -> Size:
        """How many samples the network gave for the image; never less than one."""
        box = self.box
        return Size(max(1, round(box.right - box.left)), max(1, round(box.bottom - box.top)))

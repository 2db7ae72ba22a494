"""A project's labelling configuration: which labels it has, on which picture, in which form. Knows no picture.

It is XML from outside, so it is read as a stream of elements, of a document that may declare nothing: without entities
of its own it cannot grow, and names no file.

Source: https://labelstud.io/tags/brushlabels, /polygonlabels, /label and /image.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple
from xml.parsers import expat

from service.errors import BadOption
from service.models.labels import ClassTable

MAX_CHARACTERS = 1_000_000
"""Of a configuration; one with 10,000 labels has half of that."""

Kind = Literal["brushlabels", "polygonlabels"]
KINDS: Mapping[str, Kind] = {"BrushLabels": "brushlabels", "PolygonLabels": "polygonlabels"}
"""By the tag: how a region's `type` is called, and where its labels stand."""


class Label(NamedTuple):
    """What annotators choose from."""

    name: str
    """As it stands in a region."""
    classes: tuple[str, ...]
    """What a model may call it: its `predicted_values`, or else its own name."""


class Control(NamedTuple):
    """A tag that offers labels for a picture."""

    name: str
    to_name: str
    kind: Kind
    labels: tuple[Label, ...]

    def classes_of(self, table: ClassTable) -> Mapping[str, tuple[int, ...]]:
        """The ids of each label, by its name; a lone label that is no class is the model's whole foreground."""
        known = self.known_to(table)
        return {self.labels[0].name: table.foreground} if not known and len(self.labels) == 1 else known

    def known_to(self, table: ClassTable) -> Mapping[str, tuple[int, ...]]:
        """The ids of the labels that are classes, by their names. Case, spaces, `_` and `-` do not matter."""
        ids = {_plain(entry.name): entry.id for entry in table}
        found = (
            (label.name, [ids[name] for name in map(_plain, label.classes) if name in ids]) for label in self.labels
        )
        return {name: tuple(dict.fromkeys(class_ids)) for name, class_ids in found if class_ids}


class LabelConfig(NamedTuple):
    """What a project asks for, of one picture a task: the first that has labels for regions."""

    controls: tuple[Control, ...]
    variable: str
    """The field of a task's data that has the picture."""

    @classmethod
    def parse(cls, text: str) -> "LabelConfig":
        """Raises BadOption where it is no XML, declares something, or has no labels for regions of a picture."""
        if len(text) > MAX_CHARACTERS:
            raise BadOption(f"label_config has more than {MAX_CHARACTERS} characters")
        reader = _Reader()
        try:
            reader.read(text)
        except (expat.ExpatError, ValueError) as error:
            raise BadOption(f"label_config is no XML: {error}") from error
        found = [control for control in reader.controls if control.labels and control.to_name in reader.variables]
        if not found:
            raise BadOption(f"label_config has no {' or '.join(KINDS)} with a Label for an Image")
        image = found[0].to_name
        return cls(tuple(control for control in found if control.to_name == image), reader.variables[image])


class _Reader:
    def __init__(self) -> None:
        self.controls: list[Control] = []
        self.variables: dict[str, str] = {}
        self._open: tuple[str, Mapping[str, str]] | None = None
        self._labels: list[Label] = []

    def read(self, text: str) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _refuse
        parser.Parse(text, True)

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in KINDS:
            self._open, self._labels = (tag, attributes), []
        elif tag == "Image":
            self.variables[attributes.get("name", "")] = attributes.get("value", "").removeprefix("$")
        elif tag == "Label" and self._open is not None:
            self._labels.append(_label(attributes))

    def _end(self, tag: str) -> None:
        if self._open is not None and tag == self._open[0]:
            attributes, self._open = self._open[1], None
            labels = tuple(label for label in self._labels if label.name)
            self.controls.append(Control(attributes.get("name", ""), attributes.get("toName", ""), KINDS[tag], labels))


def _label(attributes: Mapping[str, str]) -> Label:
    value = attributes.get("value", "")
    alias = attributes.get("alias", "")
    predicted = tuple(name.strip() for name in attributes.get("predicted_values", "").split(",") if name.strip())
    return Label(alias or value, predicted or (value, alias))


def _refuse(*_: object) -> None:
    raise ValueError("it has a document type declaration")


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " _-")

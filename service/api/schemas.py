"""The JSON that the outside sees, apart from results."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from service.engine.served import ServedModels
from service.models.catalogue import Model
from service.models.ensemble import Ensemble
from service.models.labels import ClassTable
from service.models.store import ModelCard
from service.models.store.card import Accuracy, Precision


class Problem(BaseModel):
    """A problem document (RFC 9457). Match on `code`; `detail` is for people and may change."""

    type: str = Field(examples=["urn:silhouette:problem:no_foreground"])
    title: str = Field(examples=["No subject was found"])
    status: int = Field(examples=[422])
    detail: str
    code: str = Field(examples=["no_foreground"])
    request_id: str


class ClassInfo(BaseModel):
    """What one of the class ids of a label map stands for."""

    id: int
    name: str
    color: str = Field(examples=["#c08080"])
    foreground: bool


class ModelInfo(BaseModel):
    """A model that is served."""

    name: str
    version: str
    title: str
    family: str
    head: Literal["softmax", "sigmoid"]
    precision: Precision = Field(description="What it computes in here.")
    default: bool = Field(description="Used where a request names no model.")
    state: Literal["loaded", "asleep"] = Field(
        description="`asleep`: unloaded, as nobody had asked for it; the first who does waits until it is loaded again."
    )
    input_width: int
    input_height: int
    classes: list[ClassInfo]
    licence: str
    homepage: str | None
    accuracy: list[Accuracy]
    parts: list[str] = Field(description="The loaded models that answer together under this name; for `best`.")

    @classmethod
    def of(cls, model: Model, served: ServedModels) -> Self:
        return cls.of_ensemble(model, served) if isinstance(model, Ensemble) else cls.of_card(model, served)

    @classmethod
    def of_card(cls, card: ModelCard, served: ServedModels) -> Self:
        return cls(
            name=card.name,
            version=card.version,
            title=card.title,
            family=card.family,
            head=card.output.head,
            precision=card.precision,
            default=served.is_default(card),
            state="loaded" if served.is_awake(card) else "asleep",
            input_width=card.input.width,
            input_height=card.input.height,
            classes=_classes(card.class_table),
            licence=card.licence,
            homepage=str(card.homepage) if card.homepage else None,
            accuracy=list(card.accuracy),
            parts=[],
        )

    @classmethod
    def of_ensemble(cls, ensemble: Ensemble, served: ServedModels) -> Self:
        """What its outlines come from, but for the classes."""
        outline, classes = ensemble.outline, ensemble.classes
        is_awake = served.is_awake(outline) and served.is_awake(classes)
        return cls.of_card(outline, served).model_copy(
            update={
                "default": False,
                "state": "loaded" if is_awake else "asleep",
                "name": ensemble.name,
                "version": f"{outline.version}+{classes.version}",
                "title": f"outlines of {outline.name}, classes of {classes.name}",
                "family": "ensemble",
                "classes": _classes(ensemble.class_table),
                "licence": " and ".join(dict.fromkeys((outline.licence, classes.licence))),
                "accuracy": [],
                "parts": [outline.name, classes.name],
            }
        )


def _classes(table: ClassTable) -> list[ClassInfo]:
    return [
        ClassInfo(id=entry.id, name=entry.name, color=_hex(entry.color), foreground=entry.id in table.foreground)
        for entry in table
    ]


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


class Health(BaseModel):
    """What a probe says when all is well."""

    status: Literal["ok"] = "ok"


class Liveness(Health):
    """Of `/livez`."""

    unready: Problem | None = Field(
        None, description="Why `/readyz` would refuse, for those who look at both and want one answer that is no error."
    )


class Readiness(Health):
    """Of `/readyz`."""

    jobs: Literal["away"] | None = Field(
        None, description="Said where jobs are kept in Redis and it cannot be reached: pictures are answered as ever."
    )

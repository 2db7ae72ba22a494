"""The JSON that the outside sees, apart from results."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from service.store import ModelCard
from service.store.card import Accuracy, Precision


class Problem(BaseModel):
    """A problem document (RFC 9457). Match on `code`; `detail` is for people and may change."""

    type: str = Field(examples=["urn:silhouette:problem:no_foreground"])
    title: str = Field(examples=["No subject was found"])
    status: int = Field(examples=[422])
    detail: str
    code: str = Field(examples=["no_foreground"])
    request_id: str


class ClassInfo(BaseModel):
    id: int
    name: str
    color: str = Field(examples=["#c08080"])
    foreground: bool


class ModelInfo(BaseModel):
    """A loaded model."""

    name: str
    version: str
    title: str
    family: str
    head: Literal["softmax", "sigmoid"]
    precision: Precision = Field(description="What it computes in here.")
    default: bool = Field(description="Used where a request names no model.")
    input_width: int
    input_height: int
    classes: list[ClassInfo]
    licence: str
    homepage: str
    accuracy: list[Accuracy]

    @classmethod
    def of(cls, card: ModelCard, default: bool) -> Self:
        table = card.class_table
        return cls(
            name=card.name,
            version=card.version,
            title=card.title,
            family=card.family,
            head=card.output.head,
            precision=card.precision,
            default=default,
            input_width=card.input.width,
            input_height=card.input.height,
            classes=[
                ClassInfo(
                    id=entry.id, name=entry.name, color=_hex(entry.color), foreground=entry.id in table.foreground
                )
                for entry in table
            ],
            licence=card.licence,
            homepage=str(card.homepage),
            accuracy=list(card.accuracy),
        )


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


class Health(BaseModel):
    status: Literal["ok"] = "ok"

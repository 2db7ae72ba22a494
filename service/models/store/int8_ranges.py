"""What the tensors of a model are to hold in 8 bits: measured once on real pictures, kept beside the model's card."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pydantic import Field, ValidationError

from service.configuration_errors import BadCard
from service.errors.wording import wording_of
from service.models.store.card import CardPart, Sha256

Span = tuple[float, float]
"""The smallest and the largest value that a tensor is to hold."""

FILE = "int8.json"


class Int8Ranges(CardPart):
    """Written by `silhouette models quantize`."""

    weights_sha256: Sha256
    """The weights that were measured: other weights need other ranges."""
    made: date
    pictures: int = Field(gt=0)
    provenance: str
    """Which pictures these were."""
    spans: Mapping[str, Span]
    """By the name of the convolution whose result it is. Tensors that are added or joined have the same span."""


def read_ranges(path: Path) -> Int8Ranges | None:
    """None where the model was never calibrated. Raises BadCard for a file that is not as it should be."""
    try:
        return Int8Ranges.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        told = ": ".join((str(path), *map(str, first["loc"]), wording_of(first)))
        raise BadCard(f"{told}: run `silhouette models quantize` again") from error


def write_ranges(path: Path, ranges: Int8Ranges) -> None:
    path.write_text(ranges.model_dump_json(indent=1) + "\n", encoding="utf-8")

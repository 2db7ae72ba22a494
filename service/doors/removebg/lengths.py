"""Lengths as the contract writes them: `30px`, `10%`, or several of them separated by spaces."""

import re
from typing import Literal, NamedTuple, Self

LENGTH = re.compile(r"(-?\d{1,7}(?:\.\d{1,7})?)\s*(px|%)?")


class Length(NamedTuple):
    """Pixels, or percent of something."""

    number: float
    unit: Literal["px", "%"]

    @classmethod
    def parse(cls, text: str, default: Literal["px", "%"]) -> Self:
        """Raises ValueError. `default` is the unit of a bare number."""
        found = LENGTH.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(f"{text!r} is no length such as `30px` or `10%`")
        return cls(float(found[1]), "%" if (found[2] or default) == "%" else "px")

    def of(self, whole_px: float) -> float:
        """In pixels."""
        return self.number * whole_px / 100 if self.unit == "%" else self.number


def parse_lengths(text: str) -> tuple[Length, ...]:
    """One for each word, a bare number in pixels. Raises ValueError."""
    return tuple(Length.parse(word, "px") for word in text.replace(",", " ").split())


def parse_share(text: str, least_percent: float) -> float:
    """0 to 1, from percent up to 100. Raises ValueError."""
    length = Length.parse(text, "%")
    if length.unit != "%" or not least_percent <= length.number <= 100:
        raise ValueError(f"{text!r} is not between {least_percent:g}% and 100%")
    return length.number / 100

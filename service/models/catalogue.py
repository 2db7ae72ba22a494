"""Which models are loaded, and which of them a request means. Knows no network and no HTTP."""

from collections.abc import Sequence

from service.errors import BadOption, UnknownModel
from service.models.ensemble import BEST, Ensemble
from service.models.store import ModelCard

Model = ModelCard | Ensemble
"""What can be asked for a subject."""

NEEDED_FOR_BEST = "model=best needs a model of many classes and one that finds any subject, both loaded"


class Catalogue:
    """The loaded models by name, the default one first."""

    def __init__(self, cards: Sequence[ModelCard]) -> None:
        self._cards = {card.name: card for card in cards}
        self._ensemble = Ensemble.of(cards)

    @property
    def cards(self) -> Sequence[ModelCard]:
        """The loaded models, the default one first."""
        return list(self._cards.values())

    @property
    def models(self) -> Sequence[Model]:
        """The loaded models, and `best` where it can be had."""
        return [*self.cards, *([self._ensemble] if self._ensemble else [])]

    def card(self, name: str | None) -> ModelCard:
        """The model of this name; the default one for None.

        Raises UnknownModel, listing the loaded ones, or BadOption for two that answer as one.
        """
        if name is None:
            return self.cards[0]
        if name in self._cards:
            return self._cards[name]
        if name == BEST and self._ensemble:
            raise BadOption(f"model: `best` finds the subject for an effect on a photo; here take {self._either()}")
        raise UnknownModel(f"no model {name!r} is loaded; loaded are {self._listed()}")

    def model(self, name: str | None) -> Model:
        """As `card`, but with `best`; UnknownModel says what that needs where it cannot be had."""
        if name != BEST or BEST in self._cards:
            return self.card(name)
        if self._ensemble is None:
            raise UnknownModel(f"{NEEDED_FOR_BEST}; loaded are {self._listed()}")
        return self._ensemble

    def card_for_segment(self, name: str | None) -> ModelCard:
        """Raises what `card` raises."""
        return default_for_segment(self.cards) if name is None else self.card(name)

    def _listed(self) -> str:
        return ", ".join(self._cards)

    def _either(self) -> str:
        return " or ".join(self._cards)


def default_for_segment(cards: Sequence[ModelCard]) -> ModelCard:
    """A model of many classes where there is one: a label map of two says little."""
    return next((card for card in cards if card.output.head == "softmax"), cards[0])

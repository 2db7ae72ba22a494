"""Canaries: a share of the requests that mean one model is answered by another, to see how it does."""

import contextlib
import math
from collections.abc import Container, Sequence
from typing import Any

from service.configuration_errors import ConfigurationError
from service.environment import Route
from service.errors import BadOption
from service.models.catalogue import Catalogue, Model
from service.models.store import ModelCard
from service.operations.operation import Operation
from service.operations.options import Options
from service.telemetry.metrics import Metrics

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
"""Its multiples, without their whole parts, are spread evenly from 0 to 1, however many there are. So each share is met
with a handful of requests already, and no habit of a client, such as every second picture being large, agrees with it.
"""


def check_cards(routes: Sequence[Route], known: Container[str]) -> None:
    """Raises ConfigurationError for a model that is not `known`. One that is may be loaded later."""
    if unknown := {name for route in routes for name in (route.model, route.other) if name not in known}:
        raise ConfigurationError(f"SILHOUETTE_ROUTES names models that have no card: {', '.join(sorted(unknown))}")


class Canaries:
    """What `Settings.routes` says, and whose turn it is."""

    def __init__(self, routes: Sequence[Route], metrics: Metrics) -> None:
        self._metrics = metrics
        self._routes = {route.model: route for route in routes}
        self._positions = dict.fromkeys(self._routes, 0.0)

    def choose(
        self, operation: Operation[Any], options: Options, catalogue: Catalogue
    ) -> tuple[Model, tuple[int, ...]]:
        """Who answers, and the ids of the classes that are asked for; a canary only where it knows them.

        Raises UnknownModel or BadOption.
        """
        model = operation.choose_model(catalogue, options)
        class_ids = operation.class_ids(model.class_table, options)
        canary = self.instead_of(model, catalogue)
        if canary is not None:
            with contextlib.suppress(BadOption):
                return canary, operation.class_ids(canary.class_table, options)
        return model, class_ids

    def instead_of(self, model: Model, catalogue: Catalogue) -> ModelCard | None:
        """Who answers this request in its place; None where it does so itself, or where the other is not loaded."""
        route = self._routes.get(model.name)
        if route is None or not isinstance(model, ModelCard):
            return None
        other = next((card for card in catalogue.cards if card.name == route.other), None)
        if other is None or not self._is_due(route):
            return None
        self._metrics.routed.labels(model.name, other.name).inc()
        return other

    def _is_due(self, route: Route) -> bool:
        position = (self._positions[route.model] + GOLDEN_RATIO) % 1
        self._positions[route.model] = position
        return position < route.share

"""The weights of a plan, on the node where a replica loads them: by their hash, wherever they lie."""

from dataclasses import replace

from service.configuration_errors import ConfigurationError
from service.models.store import Checkpoint, ModelStore
from service.models.store.store import sha256_of
from service.settings import read_settings
from service.workers.plan import WorkerPlan


def on_this_node(plan: WorkerPlan, mirror: str | None) -> WorkerPlan:
    """The same plan with paths of this node.

    Raises ConfigurationError where the weights are neither at the service's own path nor in this node's store, which
    is `SILHOUETTE_MODEL_STORE` of its environment, and cannot be pulled into it.
    """
    return replace(plan, models=[_found(model, mirror) for model in plan.models])


def _found(model: Checkpoint, mirror: str | None) -> Checkpoint:
    card = model.card
    if model.weights.is_file() and sha256_of(model.weights) == card.converted.sha256:
        return model
    settings = read_settings()
    store = ModelStore(settings.model_store, mirror or settings.mirror)
    if not store.has(card):
        try:
            store.weights(card).parent.mkdir(parents=True, exist_ok=True)
            store.pull(card, lambda done, total: None)
        except (ConfigurationError, OSError) as error:
            reason = " ".join(str(error).split())
            raise ConfigurationError(f"this node has no weights of {card.name!r}: {reason}") from error
    return replace(model, weights=store.weights(card))

"""The real models, for tests that compare with the original runtimes; a test skips where its model is missing."""

import os
from pathlib import Path

import pytest

from service.configuration_errors import MissingWeights, PullFailed
from service.models.store import ModelCard, ModelStore

REPOSITORY = Path(__file__).parents[1]
ORIGINALS = REPOSITORY / ".cache" / "originals"


def model_card(name: str) -> ModelCard:
    return _store().card(name)


def pulled_weights(name: str) -> Path:
    """The converted weights that `silhouette models pull` made."""
    try:
        return _store().verify(model_card(name))
    except MissingWeights as missing:
        pytest.skip(str(missing))


def original(name: str) -> Path:
    """The published file, as the original runtime reads it; fetched once and kept outside the model store.

    SILHOUETTE_TEST_ORIGINALS names another folder that has the files already.
    """
    folder = Path(os.environ.get("SILHOUETTE_TEST_ORIGINALS", ORIGINALS))
    card = model_card(name)
    kept = folder / card.download.file
    try:
        return kept if kept.is_file() else _store().fetch_original(card, folder, lambda done, total: None)
    except PullFailed as failure:
        pytest.skip(str(failure))


def _store() -> ModelStore:
    """This checkout's, unless SILHOUETTE_TEST_MODEL_STORE names another one."""
    return ModelStore(Path(os.environ.get("SILHOUETTE_TEST_MODEL_STORE", REPOSITORY / "model_store")))

"""The model store that the settings name."""

from service.models.store import ModelStore
from service.settings import read_settings


def configured_store() -> ModelStore:
    settings = read_settings()
    return ModelStore(settings.model_store, settings.mirror)

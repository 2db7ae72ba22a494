"""The model store: cards, sources, checksums and conversion to safetensors."""

from service.models.store.card import ModelCard
from service.models.store.checkpoint import Checkpoint
from service.models.store.store import ModelStore

__all__ = ["Checkpoint", "ModelCard", "ModelStore"]

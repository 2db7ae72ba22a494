"""The model store: cards, sources, checksums and conversion to safetensors."""

from service.store.card import ModelCard
from service.store.checkpoint import Checkpoint
from service.store.store import ModelStore

__all__ = ["Checkpoint", "ModelCard", "ModelStore"]

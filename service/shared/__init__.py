"""What several services have in common, in Redis or Valkey: quotas of keys, and answers."""

from service.shared.store import SharedStore, shared_store

__all__ = ["SharedStore", "shared_store"]

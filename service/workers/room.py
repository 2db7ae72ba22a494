"""How much may be in flight where nobody says: what keeps all workers and cores busy, if there is the memory for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from service.settings import Settings
from service.workers.machine import available_cores, available_memory_bytes

PHOTO_MEGAPIXELS = 12.2
"""4032 x 3024, a phone's; there must be room for as many as can be worked on."""

PHOTO_BYTES = 8_000_000
"""Of its body and its answer: 0.9 and 6.0 MB were measured, and not all photos are as smooth."""

MEGAPIXEL_BYTES = 15_000_000
"""The most that was seen: `benchmarks/reliability/picture_memory.py`."""


def photos_to_be_busy(places: int, cores: int) -> int:
    """In flight: for each place of a worker one that is on it and one that waits, and one for each core that works on
    pixels.
    """
    return 2 * places + cores


@dataclass(frozen=True)
class Machine:
    """What there is to keep busy, and the memory for it."""

    places: int
    """Images that all workers together take at once."""
    cores: int
    memory_bytes: int

    @classmethod
    def here(cls, places: int) -> Self:
        return cls(places, available_cores(), available_memory_bytes())

    @property
    def photos(self) -> int:
        return photos_to_be_busy(self.places, self.cores)

    @property
    def megapixels(self) -> float:
        """For so many photos, and never for more than a quarter of the memory."""
        return min(self.photos * PHOTO_MEGAPIXELS, self.memory_bytes / 4 / MEGAPIXEL_BYTES)


def with_room(settings: Settings, machine: Machine) -> Settings:
    """What is not set is what it is by default, or more on a larger machine."""
    needed: Mapping[str, float] = {
        "queue_capacity": machine.photos,
        "max_bytes_in_flight": machine.photos * PHOTO_BYTES,
        "max_megapixels_in_flight": machine.megapixels,
    }
    grown = {name: most for name, most in needed.items() if most > getattr(settings, name)}
    return settings.model_copy(update={name: grown[name] for name in grown.keys() - settings.model_fields_set})

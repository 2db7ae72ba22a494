"""What may be in flight follows the machine, unless somebody has said how much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings import Settings, read_settings
from service.workers.room import MEGAPIXEL_BYTES, Machine, with_room

GB = 1_000_000_000

NAMES = ("queue_capacity", "max_bytes_in_flight", "max_megapixels_in_flight")
DEFAULTS = {name: Settings.model_fields[name].default for name in NAMES}

LARGE = Machine(places=64, cores=128, memory_bytes=1000 * GB)
"""Eight GPUs with batches of eight."""


def unset() -> Settings:
    """Whatever the environment of the tests says."""
    settings = read_settings()
    return settings.model_construct(settings.model_fields_set.difference(NAMES), **dict(settings) | DEFAULTS)


@pytest.mark.parametrize(
    ("machine", "requests", "megapixels"),
    [
        (Machine(places=2, cores=2, memory_bytes=4 * GB), 64, 200),
        (Machine(places=8, cores=8, memory_bytes=64 * GB), 64, 292.8),
        (Machine(places=8, cores=8, memory_bytes=16 * GB), 64, 266.7),
        (Machine(places=32, cores=32, memory_bytes=128 * GB), 96, 1171.2),
        (LARGE, 256, 3123.2),
    ],
)
def test_a_larger_machine_has_room_for_as_many_photos_as_keep_it_busy(
    machine: Machine, requests: int, megapixels: float
) -> None:
    room = with_room(unset(), machine)
    assert room.queue_capacity == requests
    assert room.max_megapixels_in_flight == pytest.approx(megapixels, abs=0.05)


def test_eight_gpus_with_batches_of_eight_can_be_full_of_photos_of_phones_twice() -> None:
    room, on_board_and_waiting = with_room(unset(), LARGE), 2 * 64
    assert room.queue_capacity >= on_board_and_waiting
    assert room.max_megapixels_in_flight >= on_board_and_waiting * 12
    assert room.max_bytes_in_flight >= on_board_and_waiting * 7_000_000


def test_what_is_set_stays_as_it_is_also_where_it_is_the_default() -> None:
    said = read_settings(queue_capacity=64, max_bytes_in_flight=10**8, max_megapixels_in_flight=150.0)
    assert with_room(said, LARGE) == said


def test_what_has_grown_once_grows_no_more() -> None:
    once = with_room(unset(), LARGE)
    assert with_room(once, Machine(places=1000, cores=1000, memory_bytes=10_000 * GB)) == once


@given(places=st.integers(1, 2000), cores=st.integers(1, 512), memory_gb=st.integers(1, 4000))
def test_pictures_take_no_more_than_a_quarter_of_the_memory_beyond_what_every_machine_allows(
    places: int, cores: int, memory_gb: int
) -> None:
    room = with_room(unset(), Machine(places, cores, memory_gb * GB))
    assert room.max_megapixels_in_flight * MEGAPIXEL_BYTES <= max(200 * MEGAPIXEL_BYTES, memory_gb * GB / 4 + 1)

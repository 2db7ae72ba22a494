"""Mattes on disk: what is whole is taken up again, what is of another film or was cut short is not."""

from pathlib import Path

import numpy as np
import pytest

from service.video.kept import KeptMattes, Levels, identity_of

FILM = b"f" * 32


def levels(number: int) -> Levels:
    return np.random.default_rng(number).integers(0, 256, (12, 20)).astype(np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """With three mattes of `FILM`."""
    kept = KeptMattes(tmp_path / "mattes", FILM)
    for number in range(3):
        kept.add(number, levels(number))
    kept.close()
    return tmp_path / "mattes"


def test_what_was_kept_is_there_again(file: Path) -> None:
    kept = KeptMattes(file, FILM)
    assert len(kept) == 3
    for number in range(3):
        np.testing.assert_array_equal(kept[number], levels(number))
    assert 3 not in kept
    kept.close()


@pytest.mark.parametrize("missing_bytes", [1, 40, 200])
def test_what_was_cut_short_is_dropped_and_written_again(file: Path, missing_bytes: int) -> None:
    file.write_bytes(file.read_bytes()[:-missing_bytes])
    kept = KeptMattes(file, FILM)
    assert 2 not in kept
    kept.add(2, levels(2))
    kept.close()
    again = KeptMattes(file, FILM)
    np.testing.assert_array_equal(again[2], levels(2))
    again.close()


def test_those_of_another_film_are_not_taken(file: Path) -> None:
    kept = KeptMattes(file, b"g" * 32)
    assert len(kept) == 0
    kept.close()


def test_a_film_is_known_by_its_content_and_by_what_was_looked_for(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a" * 5_000_000)
    two.write_bytes(b"a" * 4_999_999 + b"b")
    assert identity_of(one, "u2net", [1]) == identity_of(one, "u2net", [1])
    assert len({identity_of(one, "u2net", [1]), identity_of(two, "u2net", [1]), identity_of(one, "selfie", [1])}) == 3


def test_what_is_forgotten_leaves_no_file(file: Path) -> None:
    KeptMattes(file, FILM).forget()
    assert not file.exists()

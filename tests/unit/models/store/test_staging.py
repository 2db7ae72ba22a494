"""Models that are put together beside others, and what a killed command leaves of them."""

from pathlib import Path

import pytest

from service.models.store import ModelStore
from service.models.store.staging import PREFIX, REPLACED
from tests.fakes import make_store


def left(store: Path, *names: str) -> Path:
    """As a command leaves it that is killed."""
    folder = store / f"{PREFIX}left"
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "card.toml").write_text("half")
    return folder


def staged(store: Path) -> list[Path]:
    return list(store.glob(f"{PREFIX}*"))


def test_what_a_killed_command_has_left_goes_when_the_next_model_is_added(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    folder = left(store, "other")
    with ModelStore(store).adding("new") as new:
        assert not folder.exists()
        (new / "card.toml").write_text("whole")
    assert (store / "new" / "card.toml").read_text() == "whole"
    assert not staged(store)
    assert not (store / "other").exists()


def test_what_another_command_is_at_work_on_stays(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    with store.adding("one") as one:
        (one / "card.toml").write_text("one")
        with store.adding("two") as two:
            assert one.exists()
            (two / "card.toml").write_text("two")
    assert {"one", "two"} <= set(store.names())


def test_a_model_that_was_to_be_replaced_by_a_killed_command_comes_back(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    card = (store / "tiny-subject" / "card.toml").read_text()
    (store / "tiny-subject").rename(left(store, "tiny-subject") / REPLACED)
    with ModelStore(store).adding("new"):
        assert (store / "tiny-subject" / "card.toml").read_text() == card
    assert not staged(store)


def test_a_model_that_fails_while_it_is_added_leaves_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    before = sorted(store.iterdir())
    with pytest.raises(ZeroDivisionError), ModelStore(store).adding("new"):
        raise ZeroDivisionError
    assert sorted(store.iterdir()) == before

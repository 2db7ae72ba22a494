"""What the store hands out: cards, and weights that are what their card says."""

import re
from pathlib import Path

import pytest

from service.configuration_errors import BadWeights, ConfigurationError, MissingWeights, UnknownCard
from service.models.store import ModelCard, ModelStore
from service.models.store.sources import Mirror
from tests.fakes import make_store
from tests.unit.models.store.publishing import NAME, Published, ignore


def test_weights_that_were_not_pulled_come_with_the_command_that_pulls_them(folder: Path) -> None:
    store = ModelStore(folder)
    with pytest.raises(MissingWeights, match=f"silhouette models pull {NAME}"):
        store.verify(store.card(NAME))
    assert not store.is_pulled(store.card(NAME))


def test_one_flipped_bit_is_found(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    card = store.card(NAME)
    path = store.verify(card)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadWeights, match=str(path)):
        store.verify(card)


def test_an_unknown_model_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownCard, match="tiny-classes, tiny-subject"):
        ModelStore(make_store(tmp_path)).card("tiny")


def test_a_store_without_models_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownCard, match=re.escape(str(tmp_path))):
        ModelStore(tmp_path).card("u2net")


@pytest.mark.parametrize("name", ["../tiny-subject", "tiny-subject/", "", "."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownCard):
        ModelStore(make_store(tmp_path)).card(name)


def test_configured_models_are_served_once_each_and_in_order(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    chosen = store.choose(["tiny-subject", "tiny-classes", "tiny-subject"])
    assert [card.name for card in chosen] == ["tiny-subject", "tiny-classes"]
    with pytest.raises(ConfigurationError):
        store.choose(["tiny-subject", "absent"])


def test_a_mirror_is_an_address_or_a_folder() -> None:
    assert Mirror("https://example.org/models").url == "https://example.org/models/"
    assert Mirror("https://example.org/models/").url == "https://example.org/models/"
    assert Mirror("/srv/models").url is None


def test_the_published_file_can_be_fetched_alone(folder: Path, published: Published, tmp_path: Path) -> None:
    store = ModelStore(folder, str(published.path.parent))
    card: ModelCard = store.card(NAME)
    fetched = store.fetch_original(card, tmp_path / "new" / "folder", ignore)
    assert fetched.read_bytes() == published.content

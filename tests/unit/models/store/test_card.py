"""Cards that are right, and every way in which one can be wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from service.configuration_errors import BadCard
from service.models.store.card import ModelCard, read_card
from service.models.store.store import DEFAULT_MODELS, OPTIONAL_MODELS
from service.settings import REPOSITORY_STORE
from tests.fakes import make_store

REAL_CARDS = sorted(REPOSITORY_STORE.glob("*/card.toml"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A right card of a softmax model with three classes."""
    return make_store(tmp_path) / "tiny-classes" / "card.toml"


@pytest.fixture
def sigmoid_path(tmp_path: Path) -> Path:
    return make_store(tmp_path / "sigmoid") / "tiny-subject" / "card.toml"


def refused(path: Path) -> str:
    with pytest.raises(BadCard) as failed:
        read_card(path)
    message = str(failed.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text()
    changed = change(text)
    assert changed != text
    path.write_text(changed)


@pytest.mark.parametrize("real", REAL_CARDS, ids=lambda path: path.parent.name)
def test_the_cards_of_the_repository_are_right(real: Path) -> None:
    card = read_card(real)
    assert card.label.startswith(f"{real.parent.name}@{card.version}")
    assert card.licence == "Apache-2.0" or (card.licence == "MIT" and card.terms)
    assert card.verified or (card.trained_on and card.name not in (*DEFAULT_MODELS, *OPTIONAL_MODELS))
    assert card.class_table[0].color == (0, 0, 0)


def test_the_models_that_are_pulled_by_themselves_are_there() -> None:
    assert {*DEFAULT_MODELS, *OPTIONAL_MODELS} <= {path.parent.name for path in REAL_CARDS}


def test_the_classes_of_deeplab_are_those_of_pascal_voc() -> None:
    """Colours by the devkit's own formula: the bits of the id, dealt out to red, green and blue from the top."""
    card = read_card(REPOSITORY_STORE / "deeplab-voc" / "card.toml")
    for entry in card.classes.table:
        color = tuple(
            sum(((entry.id >> (3 * place + channel)) & 1) << (7 - place) for place in range(8)) for channel in range(3)
        )
        assert entry.color == color, entry.name
    assert [card.classes.table[number].name for number in (0, 8, 12, 15)] == ["background", "cat", "dog", "person"]
    assert card.score_shape == (21, 33, 33)


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (r'name = "tiny-classes"', 'name = "Tiny!"', "name"),
        (r'version = "1"', "version = 1", "version"),
        (r'version = "1"', 'version = "a b"', "version"),
        (r'title = "[^"]*"', "", "title"),
        (r'family = "[^"]*"', "family = []", "family"),
        (r'licence = "[^"]*"', "", "licence"),
        (r'homepage = "[^"]*"', 'homepage = "nowhere"', "homepage"),
        (r"width = 65", "width = 0", "input.width"),
        (r"height = 65", "height = -1", "input.height"),
        (r'resize = "pad"', 'resize = "crop"', "input.resize"),
        (r"mean = .*", "mean = [0.0, 0.0]", "input.mean"),
        (r"std = .*", 'std = ["a", 1.0, 1.0]', "input.std"),
        (r'head = "softmax"', 'head = "tanh"', "output.head"),
        (r"\[output\]", "[output]\nstride = 8", "output.stride"),
        (r"foreground = .*", "foreground = []", "classes.foreground"),
        (r"color = \[128, 0, 0\]", "color = [256, 0, 0]", "classes.table.1.color.0"),
        (r'id = 2, name = "blue"', 'id = 2, name = "Blue!"', "classes.table.2.name"),
        (r"id = 2", "id = 255", "classes.table.2.id"),
        (r'file = "[^"]*"', 'file = "../x"', "download.file"),
        (r'sha256 = "0{64}"', 'sha256 = "abc"', "download.sha256"),
        (r"size_bytes = 1", "size_bytes = 0", "download.size_bytes"),
        (r"sources = .*", "sources = []", "download.sources"),
        (r'kind = "https"', 'kind = "ftp"', "download.sources.0"),
        (r'url = "[^"]*"', 'url = "nowhere"', "download.sources.0.https.url"),
        (r"\[converted\]\nsha256 = .*", "", "converted"),
        (r'version = "1"', 'version = "1"\nsize = "large"', "size"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(path: Path, before: str, after: str, field: str) -> None:
    edit(path, lambda text: re.sub(before, after, text, count=1))
    # Of an array, the wrong entry may be named.
    assert re.match(rf"{re.escape(field)}(\.\d+)?: ", refused(path))


@pytest.mark.parametrize("std", ["[0.0, 1.0, 1.0]", "[-1.0, 1.0, 1.0]", "[nan, 1.0, 1.0]"])
def test_a_std_that_cannot_be_divided_by_is_wrong(path: Path, std: str) -> None:
    edit(path, lambda text: re.sub(r"std = .*", f"std = {std}", text))
    assert "input.std" in refused(path)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("id = 2", "id = 3", "without gaps"),
        ("id = 2", "id = 1", "without gaps"),
        ('name = "blue"', 'name = "red"', "same name"),
        ("foreground = ['red', 'blue']", "foreground = ['red', 'green']", "green"),
    ],
)
def test_classes_that_are_no_table_are_wrong(path: Path, before: str, after: str, reason: str) -> None:
    edit(path, lambda text: text.replace(before, after))
    message = refused(path)
    assert message.startswith("classes: ")
    assert reason in message


def test_the_background_is_no_foreground(path: Path) -> None:
    edit(path, lambda text: text.replace("foreground = ['red', 'blue']", "foreground = ['background']"))
    assert "background" in refused(path)


def test_the_background_is_found_wherever_it_stands_in_the_table(path: Path) -> None:
    """The class with id 0 is the background, not the one that is written first."""

    def reorder(text: str) -> str:
        first, *others = re.findall(r"^\{ id = .* \}", text, re.MULTILINE)
        table = ",\n".join([*others, first])
        return re.sub(r"table = \[.*?\n\]", f"table = [\n{table}\n]", text, flags=re.DOTALL)

    edit(path, reorder)
    card = read_card(path)
    assert [entry.name for entry in card.class_table] == ["background", "red", "blue"]
    edit(path, lambda text: text.replace("foreground = ['red', 'blue']", "foreground = ['background']"))
    assert "background" in refused(path)


def test_a_sigmoid_head_has_two_classes(path: Path) -> None:
    edit(path, lambda text: text.replace('head = "softmax"', 'head = "sigmoid"'))
    assert "two classes" in refused(path)


def test_every_wrong_field_is_named_at_once(path: Path) -> None:
    edit(
        path, lambda text: text.replace('resize = "pad"', 'resize = "crop"').replace("size_bytes = 1", "size_bytes = 0")
    )
    message = refused(path)
    assert "input.resize: " in message
    assert "download.size_bytes: " in message


def test_a_card_in_a_folder_of_another_name_is_wrong(path: Path) -> None:
    moved = path.parent.rename(path.parent.with_name("other")) / "card.toml"
    assert re.match("name: .*tiny-classes.*other", refused(moved))


@pytest.mark.parametrize("content", [b"name = ", b"[input\n", b"\xff\xfe\x00", b"name = 1\nname = 2"])
def test_what_is_not_toml_is_wrong(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "not TOML" in refused(path)


def test_an_empty_card_is_wrong_in_every_field(path: Path) -> None:
    path.write_text("")
    message = refused(path)
    required = [name for name, field in ModelCard.model_fields.items() if field.is_required()]
    assert all(f"{name}: " in message for name in required)


def test_the_score_shape_follows_from_the_head_and_the_classes(path: Path, sigmoid_path: Path) -> None:
    assert read_card(path).score_shape == (3, 65, 65)
    assert read_card(sigmoid_path).score_shape == (1, 48, 64)

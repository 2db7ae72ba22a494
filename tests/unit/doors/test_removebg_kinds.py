"""Types of foreground: which model is asked for one, and what is said of what was seen."""

import numpy as np
import pytest

from service.doors.removebg.kinds import kind_seen, model_for, names_in, told
from service.models.catalogue import Catalogue
from service.models.labels import Box, Prediction, Size
from service.models.store import ModelStore
from service.settings import REPOSITORY_STORE

CARDS = {name: ModelStore(REPOSITORY_STORE).card(name) for name in ("u2net", "selfie", "deeplab-voc")}
VOC = CARDS["deeplab-voc"].class_table


def of_voc(*seen: str) -> Prediction:
    """A picture that is these classes, a pixel each."""
    scores = np.zeros((len(VOC), 1, len(seen)), np.float32)
    for column, name in enumerate(seen):
        scores[next(entry.id for entry in VOC if entry.name == name), 0, column] = 9
    return Prediction("softmax", scores, Box(0, 0, len(seen), 1), Size(len(seen), 1), VOC)


def of_one(model: str) -> Prediction:
    scores = np.ones((1, 1, 1), np.float32)
    return Prediction("sigmoid", scores, Box(0, 0, 1, 1), Size(1, 1), CARDS[model].class_table)


@pytest.mark.parametrize(
    ("loaded", "wanted", "chosen"),
    [
        (["u2net", "selfie", "deeplab-voc"], "auto", "u2net"),
        (["u2net", "selfie", "deeplab-voc"], "person", "best"),
        (["u2net", "selfie", "deeplab-voc"], "animal", "best"),
        (["u2net", "selfie", "deeplab-voc"], "product", "u2net"),
        (["u2net", "selfie"], "person", "selfie"),
        (["u2net", "selfie"], "animal", "u2net"),
        (["selfie", "u2net", "deeplab-voc"], "person", "selfie"),
        (["deeplab-voc"], "car", "deeplab-voc"),
        (["u2net"], "person", "u2net"),
    ],
)
def test_a_type_is_looked_for_by_a_model_that_knows_it_by_name(loaded: list[str], wanted: str, chosen: str) -> None:
    assert model_for(wanted, Catalogue([CARDS[name] for name in loaded])).name == chosen


def test_a_type_is_its_classes() -> None:
    assert names_in("animal", VOC) == ("bird", "cat", "cow", "dog", "horse", "sheep")
    assert names_in("animal", CARDS["selfie"].class_table) == ()
    assert names_in("product", VOC) == ()


def test_the_type_is_that_of_the_class_that_is_seen_most() -> None:
    assert kind_seen(of_voc("cat", "cat", "person", "background", "background", "background")) == "animal"
    assert kind_seen(of_voc("chair", "background")) == "product"
    assert kind_seen(of_one("selfie")) == "person"
    assert kind_seen(of_one("u2net")) == "other"


def test_the_level_says_how_fine_a_type_is_told() -> None:
    assert (told("transportation", "1"), told("transportation", "2")) == ("other", "transportation")
    assert (told("person", "1"), told("person", "latest"), told("person", "none")) == ("person", "person", None)

"""Classes from one prediction, the outline from another, on answers that are known; and which models go together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.errors import BadOption, UnknownModel
from service.models.catalogue import Catalogue
from service.models.decisions import class_probabilities
from service.models.ensemble import Ensemble, Subject, closest, fuse
from service.models.labels import Box, ClassTable, LabelClass, Mask, Prediction, Size
from service.models.store import ModelCard, ModelStore
from service.pixels.decode import Photo
from service.pixels.matting import has_subject, matte
from tests.fakes import make_store

SIZE = Size(320, 240)
THING = ClassTable([LabelClass(0, "background", (0, 0, 0)), LabelClass(1, "thing", (9, 9, 9))], ["thing"])
KINDS = ClassTable(
    [LabelClass(id_, name, (id_, 0, 0)) for id_, name in enumerate(("background", "cat", "dog"))], ["cat", "dog"]
)
BACKGROUND, CAT, DOG = (0,), (1,), (2,)

Corners = tuple[int, int, int, int]
"""(left, top, right, bottom) in the photo, in pixels."""


def outline(*things: Corners) -> Prediction:
    """Sharp: one sample to two pixels."""
    scores = np.zeros((1, 120, 160), np.float32)
    for left, top, right, bottom in things:
        scores[0, top // 2 : bottom // 2, left // 2 : right // 2] = 1
    return Prediction("sigmoid", scores, Box(0, 0, 160, 120), SIZE, THING)


SURE, FAINT = 16.0, 7.0
"""Logits of a class where the background has 8: nearly 1, and a quarter."""


def classes(*seen: tuple[tuple[int], Corners], logit: float = SURE) -> Prediction:
    """Coarse, and padded below as a square network sees a wide photo: one sample to ten pixels."""
    logits = np.zeros((3, 32, 32), np.float32)
    logits[0] = 8
    for (class_id,), (left, top, right, bottom) in seen:
        logits[class_id, top // 10 : bottom // 10, left // 10 : right // 10] = logit
    return Prediction("softmax", logits, Box(0, 0, 32, 24), SIZE, KINDS)


def shown(subject: Subject) -> Mask:
    soft = matte(subject.prediction, subject.class_ids, Photo(Image.new("RGB", SIZE)), "off")
    mask: Mask = np.asarray(soft) >= 128
    return mask


def within(corners: Corners) -> Mask:
    left, top, right, bottom = corners
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def test_the_edge_is_that_of_the_outline_model() -> None:
    drawn = (64, 66, 156, 174)
    fused = fuse(outline(drawn), classes((CAT, (70, 60, 150, 180))), CAT)
    assert (shown(fused) == within(drawn)).all()


def test_what_the_outline_model_also_sees_is_left_out_where_it_is_of_another_class() -> None:
    cat, dog = (20, 40, 120, 200), (200, 40, 300, 200)
    both, seen = outline(cat, dog), classes((CAT, cat), (DOG, dog))
    assert (shown(fuse(both, seen, CAT)) == within(cat)).all()
    assert (shown(fuse(both, seen, DOG)) == within(dog)).all()
    assert (shown(fuse(both, seen, (*CAT, *DOG))) == within(cat) | within(dog)).all()


@pytest.mark.parametrize("elsewhere", [[], [(200, 40, 300, 200)]], ids=["missed", "another subject"])
def test_where_the_outline_model_saw_something_else_the_class_model_answers_alone(elsewhere: list[Corners]) -> None:
    seen = classes((CAT, (20, 40, 120, 200)))
    fused = fuse(outline(*elsewhere), seen, CAT)
    assert fused == Subject(seen, CAT, covered=0)
    assert shown(fused)[120, 70]
    assert not shown(fused)[:, 200:].any()


def test_thin_parts_that_the_class_model_leaves_out_are_kept_with_the_outline() -> None:
    body, tail = (20, 40, 80, 200), (80, 110, 250, 120)
    sure, faint = classes((CAT, body)), classes((CAT, (80, 90, 270, 140)), logit=FAINT)
    seen = replace(sure, scores=np.maximum(sure.scores, faint.scores))
    assert not shown(Subject(seen, CAT))[115, 120:].any()
    assert (shown(fuse(outline(body, tail), seen, CAT)) == within(body) | within(tail)).all()


def test_an_outline_of_a_part_alone_is_not_taken_for_the_whole() -> None:
    seen = classes((CAT, (20, 40, 220, 200)))
    assert fuse(outline((20, 40, 120, 200)), seen, CAT) == Subject(seen, CAT, covered=0)


def test_a_closer_look_counts_where_it_covers_no_less_of_what_is_meant() -> None:
    cat = (20, 40, 220, 200)
    seen = classes((CAT, cat))
    whole, part, missed = (fuse(outline(each), seen, CAT) for each in (cat, (20, 40, 180, 200), (300, 0, 320, 20)))
    assert closest(part, first=whole) is whole
    assert closest(whole, first=part) is whole
    assert closest(part, first=missed) is part
    again = fuse(outline(cat), seen, CAT)
    assert closest(again, first=whole) is again


def test_where_neither_sees_anything_nothing_is_found() -> None:
    nothing = fuse(outline(), classes(), CAT)
    assert not shown(nothing).any()
    assert not has_subject(matte(nothing.prediction, nothing.class_ids, Photo(Image.new("RGB", SIZE))))


def test_who_keeps_the_background_gets_it_from_the_class_model() -> None:
    cat = (20, 40, 300, 200)
    seen = classes((CAT, cat))
    assert fuse(outline(cat), seen, BACKGROUND) == Subject(seen, BACKGROUND, covered=0)
    assert fuse(outline(cat), seen, (*BACKGROUND, *CAT)) == Subject(seen, (*BACKGROUND, *CAT), covered=0)


def test_a_padded_outline_is_fused_in_its_place() -> None:
    drawn = outline((60, 60, 160, 180))
    padded = Prediction("sigmoid", np.pad(drawn.scores, ((0, 0), (0, 40), (0, 0))), drawn.box, SIZE, THING)
    seen = classes((CAT, (60, 60, 160, 180)))
    assert (shown(fuse(padded, seen, CAT)) == shown(fuse(drawn, seen, CAT))).all()
    probabilities, _ = class_probabilities(fuse(padded, seen, CAT).prediction)
    assert probabilities.shape == (2, 120, 160)


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelCard]:
    """The tiny models, and one that only knows red, as the class model does."""
    folder: Path = make_store(tmp_path_factory.mktemp("store"))
    text = (folder / "tiny-subject" / "card.toml").read_text().replace("tiny-subject", "tiny-red")
    (folder / "tiny-red").mkdir()
    (folder / "tiny-red" / "card.toml").write_text(text.replace("'subject'", "'red'").replace('"subject"', '"red"'))
    store = ModelStore(folder)
    return {name: store.card(name) for name in store.names()}


def test_a_model_of_one_class_that_the_other_knows_draws_for_nobody(cards: dict[str, ModelCard]) -> None:
    subject, classes, red = cards["tiny-subject"], cards["tiny-classes"], cards["tiny-red"]
    assert Ensemble.of([red, classes, subject]) == Ensemble(subject, classes)
    assert Ensemble.of([red, classes]) is None


@pytest.mark.parametrize("loaded", [("tiny-subject",), ("tiny-classes",), ("tiny-subject", "tiny-red")])
def test_best_says_what_it_needs_where_that_is_not_loaded(cards: dict[str, ModelCard], loaded: tuple[str, ...]) -> None:
    catalogue = Catalogue([cards[name] for name in loaded])
    assert catalogue.models == catalogue.cards
    with pytest.raises(UnknownModel, match=f"needs a model of many classes.*loaded are {', '.join(loaded)}$"):
        catalogue.model("best")


def test_best_is_no_single_model(cards: dict[str, ModelCard]) -> None:
    catalogue = Catalogue([cards["tiny-subject"], cards["tiny-classes"]])
    assert catalogue.model("best") == catalogue.models[-1]
    with pytest.raises(BadOption, match="here take tiny-subject or tiny-classes"):
        catalogue.card("best")


def test_a_model_that_is_called_best_is_that_model(cards: dict[str, ModelCard]) -> None:
    own = cards["tiny-red"].model_copy(update={"name": "best"})
    catalogue = Catalogue([cards["tiny-subject"], cards["tiny-classes"], own])
    assert catalogue.model("best") is catalogue.card("best") is own
    assert catalogue.models == catalogue.cards

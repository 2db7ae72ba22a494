"""Names of classes, as owners of networks list them."""

import json
from pathlib import Path

import pytest

from service.configuration_errors import BadLabels
from service.models.store.added.naming import name_classes, read_names, voc_color


def names(channels: int, *told: str) -> tuple[list[str], bool]:
    naming = name_classes(channels, "logits", told, None)
    return [entry.name for entry in naming.classes.table], naming.has_background


def test_one_channel_is_one_class_against_the_rest() -> None:
    naming = name_classes(1, "probabilities", None, None)
    assert (naming.head, naming.classes.foreground) == ("sigmoid", ("object",))
    assert name_classes(1, "logits", ["background", "Person"], None).classes.foreground == ("person",)


def test_as_many_names_as_channels_are_the_channels() -> None:
    assert names(3, "background", "cat", "dog") == (["background", "cat", "dog"], True)
    assert names(3, "unlabeled", "cat", "dog") == (["background", "cat", "dog"], True)


def test_one_name_less_leaves_out_the_background() -> None:
    assert names(3, "cat", "dog") == (["background", "cat", "dog"], True)


def test_a_network_that_knows_no_background_gets_a_class_for_it_that_is_never_answered() -> None:
    assert names(3, "wall", "sky", "tree") == (["background", "wall", "sky", "tree"], False)


def test_a_map_of_labels_has_as_many_classes_as_names() -> None:
    naming = name_classes(1, "labels", ["background", "road"], ["road"])
    assert (naming.head, len(naming.classes.table), naming.classes.foreground) == ("softmax", 2, ("road",))


def test_names_are_spelled_as_requests_may_spell_them() -> None:
    assert names(2, "background", "Traffic light; signal")[0][1] == "traffic light signal"


@pytest.mark.parametrize(
    ("channels", "told", "reason"),
    [
        (3, [], "name them with --classes"),
        (3, ["a"], "1 names for 3 classes"),
        (1, ["a", "b"], "2 names are given"),
        (3, ["background", "cat", "Cat"], "the same name: cat"),
        (2, ["background", "???"], "no name of a class"),
        (300, [f"c{number}" for number in range(300)], "a label map holds 255"),
    ],
)
def test_names_that_do_not_fit_are_refused(channels: int, told: list[str], reason: str) -> None:
    with pytest.raises(BadLabels, match=reason.replace("?", r"\?")):
        name_classes(channels, "logits", told, None)


def test_an_unknown_foreground_is_refused() -> None:
    with pytest.raises(BadLabels, match="no class is called cow; there are background, cat"):
        name_classes(2, "logits", ["background", "cat"], ["cow"])


def test_the_colours_are_those_of_pascal_voc() -> None:
    assert [voc_color(number) for number in (0, 1, 2, 15, 20)] == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (192, 128, 128), (0, 64, 128),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "wall\n\n sky \n",
        json.dumps(["wall", "sky"]),
        json.dumps({"model_type": "segformer", "id2label": {"1": "sky", "0": "wall"}}),
    ],
)
def test_names_are_read_from_lines_and_from_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels").write_text(text)
    assert read_names(tmp_path / "labels") == ["wall", "sky"]


def test_names_that_cannot_be_read_are_told_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text('{"id2label": ')
    with pytest.raises(BadLabels, match="labels"):
        read_names(tmp_path / "labels")

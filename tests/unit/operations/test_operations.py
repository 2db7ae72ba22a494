"""The table of operations: what holds for every row."""

from typing import Any

import pytest

from service.errors import BadOption
from service.operations import LIVE_EFFECTS, OPERATIONS
from service.operations.operation import Operation
from service.operations.options import parse_options
from tests.api.asking import EFFECTS, POSTS


@pytest.mark.parametrize(("name", "operation"), OPERATIONS.items(), ids=list(OPERATIONS))
def test_each_row_is_called_what_its_operation_is_called(name: str, operation: Operation[Any]) -> None:
    assert name == operation.name
    assert operation.summary
    assert operation.description
    assert set(parse_options(operation.options, {}).formats) <= set(operation.formats)


def test_the_tests_of_all_operations_know_all_of_them() -> None:
    assert {path.removeprefix("/") for path in POSTS} == set(OPERATIONS)


def test_what_is_live_makes_pictures_as_large_as_the_frame() -> None:
    assert {f"/{name}" for name in LIVE_EFFECTS} == set(EFFECTS)


@pytest.mark.parametrize(
    ("name", "options", "pictures", "word"),
    [
        ("replace-background", {}, [], "exactly one"),
        ("replace-background", {"color": "white"}, ["background"], "exactly one"),
        ("product-shot", {"color": "white"}, ["background"], "at most one"),
    ],
)
def test_a_picture_and_the_option_in_whose_place_it_is_do_not_go_together(
    name: str, options: dict[str, str], pictures: list[str], word: str
) -> None:
    operation = OPERATIONS[name]
    with pytest.raises(BadOption, match=word):
        operation.check(parse_options(operation.options, options), pictures)


@pytest.mark.parametrize(
    ("name", "options", "pictures"),
    [
        ("replace-background", {"color": "white"}, []),
        ("replace-background", {}, ["background"]),
        ("product-shot", {}, []),
        ("product-shot", {}, ["background"]),
        ("blur-background", {}, []),
    ],
)
def test_one_of_the_two_is_fine(name: str, options: dict[str, str], pictures: list[str]) -> None:
    operation = OPERATIONS[name]
    operation.check(parse_options(operation.options, options), pictures)

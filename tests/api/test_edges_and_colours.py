"""What all effects do at the subject's edge, as callers ask for it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from service.operations import OPERATIONS
from tests.api.asking import ask, ask_for, problem_of
from tests.fakes import BLUE, RED
from tests.pictures import painted, pixels

EFFECTS = ["/remove-background", "/replace-background", "/blur-background", "/color-pop"]
ALL = {"shift_edge": EFFECTS, "feather": EFFECTS, "decontaminate": EFFECTS[:2], "light_wrap": EFFECTS[1:2]}


def matte(client: TestClient, **options: str) -> NDArray[Any]:
    return pixels(ask_for(client, EFFECTS[0], painted(RED, BLUE), {"output": "matte", **options}).content)


def test_the_edge_moves_out_and_in(client: TestClient) -> None:
    shrunk, plain, grown = ((matte(client, shift_edge=value) >= 128).sum() for value in ("-5", "0", "5"))
    assert 0 < shrunk < plain < grown


def test_feathering_softens_and_keeps_the_area(client: TestClient) -> None:
    hard, soft = matte(client), matte(client, feather="4")
    assert np.abs(np.diff(soft.astype(int))).max() < np.abs(np.diff(hard.astype(int))).max()
    assert abs(soft.mean() - hard.mean()) < 0.02 * hard.mean()


def test_the_box_in_the_headers_is_that_of_the_moved_edge(client: TestClient) -> None:
    plain, grown = (
        int(ask_for(client, EFFECTS[0], painted(RED, BLUE), {"shift_edge": value}).headers["X-Foreground-Width"])
        for value in ("0", "6")
    )
    assert grown == plain + 12


def test_colours_are_cleaned_unless_that_is_refused(client: TestClient) -> None:
    clean, as_it_was = (
        pixels(ask_for(client, EFFECTS[0], painted(RED, BLUE), {"decontaminate": value, "feather": "3"}).content)
        for value in ("true", "false")
    )
    assert np.array_equal(clean[..., 3], as_it_was[..., 3])
    outside = (clean[..., 3] > 40) & (as_it_was[..., 2] > 180)  # blue of the background, shown through the soft edge
    assert outside.any()
    assert clean[outside][:, 2].mean() < as_it_was[outside][:, 2].mean() - 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shift_edge", "51"),
        ("shift_edge", "nan"),
        ("feather", "-1"),
        ("feather", "inf"),
        ("decontaminate", "perhaps"),
        ("light_wrap", "2"),
        ("light_wrap", "nan"),
    ],
)
def test_a_value_that_is_none_is_a_bad_option(client: TestClient, name: str, value: str) -> None:
    assert name in problem_of(ask(client, EFFECTS[1], painted(), {name: value}), 422, "bad_option")["detail"]


@pytest.mark.parametrize("name", ALL)
def test_the_option_is_documented_and_on_the_command_line_where_it_works(client: TestClient, name: str) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    documented = [path for path in EFFECTS if any(p["name"] == name for p in paths[path]["post"].get("parameters", []))]
    assert documented == ALL[name]
    able = [f"/{each.name}" for each in OPERATIONS.values() if name in each.options.model_fields]
    assert [path for path in able if path in EFFECTS] == ALL[name]

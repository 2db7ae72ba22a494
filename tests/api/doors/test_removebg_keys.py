"""What the door for clients of remove.bg says of a key."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.access.keyring import Key, hash_of, write_keys
from service.settings import Settings
from tests.api.doors.removebg import FILE, PATH, code_of, is_cutout
from tests.clients import ready_client
from tests.pictures import encoded, painted


@pytest.fixture(scope="module")
def guarded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path: Path = tmp_path_factory.mktemp("keys") / "keys"
    keys = [
        Key("shop", frozenset({"images"}), None, 10.0, hash_of("sil_shop")),
        Key("small", frozenset({"images"}), None, 0.001, hash_of("sil_small")),
        Key("free", frozenset({"images"}), None, None, hash_of("sil_free")),
        Key("meet", frozenset({"stream"}), None, None, hash_of("sil_meet")),
    ]
    write_keys(path, keys)
    with ready_client(settings.model_copy(update={"keys_file": path})) as running:
        yield running


# --- keys -------------------------------------------------------------------------------------------------------------


def ask(client: TestClient, key: str | None, **headers: str) -> Response:
    return client.post(PATH, files=FILE, headers={**({"X-Api-Key": key} if key else {}), **headers})


@pytest.mark.parametrize("key", [None, "sil_nobody", "sil_meet"])
def test_without_a_good_key_the_answer_is_403(guarded: TestClient, key: str | None) -> None:
    assert code_of(ask(guarded, key), 403) == "auth_failed"
    assert code_of(guarded.get("/v1.0/account", headers={"X-Api-Key": key} if key else {}), 403) == "auth_failed"


def test_a_bearer_token_is_as_good_as_a_key(guarded: TestClient) -> None:
    assert is_cutout(ask(guarded, None, Authorization="Bearer sil_free"))


def limits_of(answer: Response) -> dict[str, int]:
    return {name: int(answer.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")}


def test_a_keys_megapixels_are_told_as_numbers(guarded: TestClient) -> None:
    files = {"image_file": ("photo.png", encoded(painted().resize((2000, 2000))))}
    limits = limits_of(guarded.post(PATH, files=files, headers={"X-Api-Key": "sil_shop"}))
    assert (limits["Limit"], limits["Remaining"]) == (10, 6), "4 of 10 megapixels"
    assert 0 < limits["Reset"] - time.time() < 60


def test_a_key_without_a_limit_is_told_none(guarded: TestClient) -> None:
    assert not [name for name in ask(guarded, "sil_free").headers if name.startswith("x-ratelimit")]


def test_a_key_that_has_used_up_its_minute_hears_when_to_come_back(guarded: TestClient) -> None:
    assert ask(guarded, "sil_small").status_code == 200
    answer = ask(guarded, "sil_small")
    assert code_of(answer, 429) == "rate_limit_exceeded"
    assert int(answer.headers["Retry-After"]) > 0
    limits: Any = limits_of(answer)
    assert limits["Remaining"] == 0
    assert limits["Reset"] >= time.time()

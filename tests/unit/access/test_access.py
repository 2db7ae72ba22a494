"""Keys, scopes and quotas, with a file on disk and a clock of the test's own."""

import base64
import os
import stat
from pathlib import Path

import pytest

from service.access.guard import Guard, key_in
from service.access.keyring import Key, Keyring, hash_of, new_key, read_keys, write_keys
from service.access.ledger import Bucket
from service.access.quotas import Quotas
from service.configuration_errors import ConfigurationError
from service.errors import MissingKey, QuotaExceeded, ScopeMissing, UnknownKey

KEY = "sil_test"
SHOP = Key("shop", frozenset({"images"}), 2.0, 10.0, hash_of(KEY))


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    write_keys(path, [SHOP])
    return path


def test_a_file_that_is_written_reads_back_and_is_its_owner_s_alone(file: Path) -> None:
    assert read_keys(file) == [SHOP]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in file.read_text()


def test_no_two_new_keys_are_the_same() -> None:
    assert len({new_key() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("shop images - -", "not 4 words"),
        ("shop pictures - - " + "0" * 64, "no scope 'pictures'"),
        ("shop images 0 - " + "0" * 64, "no quota"),
        ("shop images nan - " + "0" * 64, "no quota"),
        ("shop images - - secret", "no SHA-256"),
        ("sh/op images - - " + "0" * 64, "no name"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, word: str) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# a comment\n\n{line}\n")
    with pytest.raises(ConfigurationError, match=f"line 3.*{word}"):
        read_keys(path)


def test_two_keys_of_one_name_are_refused(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", [SHOP, SHOP])
    with pytest.raises(ConfigurationError, match="one name"):
        read_keys(tmp_path / "keys")


def test_a_missing_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Keyring(tmp_path / "absent")


def test_a_changed_file_is_read_again_and_a_broken_one_is_not(file: Path) -> None:
    keyring = Keyring(file)
    assert keyring.find(KEY) == SHOP
    write_keys(file, [])
    assert keyring.find(KEY) is None
    write_keys(file, [SHOP])
    assert keyring.find(KEY) == SHOP
    file.write_text("nonsense\n")
    assert keyring.find(KEY) == SHOP
    os.unlink(file)
    assert keyring.find(KEY) == SHOP


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY}"},
        {"authorization": f"Token {KEY}"},
        {"token": KEY},
        {"authorization": "Basic " + base64.b64encode(f"anybody:{KEY}".encode()).decode()},
        {"authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()},
    ],
    ids=lambda headers: next(iter(headers.values()))[:10],
)
def test_a_key_comes_in_any_of_these_headers(headers: dict[str, str]) -> None:
    assert key_in(headers) == KEY


@pytest.mark.parametrize("value", ["Basic !!!", "Basic //4=", "Digest x", "Bearer", "Token "])
def test_what_is_no_key_is_none(value: str) -> None:
    assert key_in({"authorization": value}) is None


def test_the_guard_says_why_it_lets_nobody_in(file: Path) -> None:
    guard = Guard(Keyring(file))
    with pytest.raises(MissingKey):
        guard.check({}, "images")
    with pytest.raises(UnknownKey):
        guard.check({"x-api-key": "sil_other"}, "images")
    with pytest.raises(ScopeMissing, match="good for images, not for metrics"):
        guard.check({"x-api-key": KEY}, "metrics")
    allowance = guard.check({"x-api-key": KEY}, "images")
    assert allowance is not None
    assert allowance.key.name == "shop"


def test_without_keys_all_may_do_everything_but_administrate_which_takes_this_machine() -> None:
    guard = Guard(None)
    assert guard.check({}, "images") is None
    assert guard.check({}, "admin", is_local=True) is None
    with pytest.raises(MissingKey, match="own machine"):
        guard.check({}, "admin")


def test_requests_come_back_with_time() -> None:
    clock = Clock()
    allowance = Quotas(clock).of(SHOP)
    allowance.take_request()
    allowance.take_request()
    with pytest.raises(QuotaExceeded) as refused:
        allowance.take_request()
    assert refused.value.retry_after_s == 30
    clock.now_s += refused.value.retry_after_s
    allowance.take_request()


def test_a_picture_may_overdraw_the_quota_and_the_next_request_waits() -> None:
    clock = Clock()
    allowance = Quotas(clock).of(SHOP)
    allowance.take_request()
    allowance.take_pixels(12_000_000)
    with pytest.raises(QuotaExceeded, match="10 megapixels a minute") as refused:
        allowance.take_request()
    assert refused.value.retry_after_s == 13
    clock.now_s += 13
    allowance.take_request()


def test_the_headers_say_what_is_left() -> None:
    allowance = Quotas(Clock()).of(SHOP)
    allowance.take_request()
    assert allowance.headers() == {
        "RateLimit-Policy": '"requests";q=2;w=60, "megapixels";q=10;w=60',
        "RateLimit": '"requests";r=1;t=30, "megapixels";r=10;t=0',
    }


def test_a_key_without_quotas_has_no_such_headers() -> None:
    free = Key("free", frozenset({"images"}), None, None, hash_of("x"))
    allowance = Quotas(Clock()).of(free)
    for _ in range(1000):
        allowance.take_request()
        allowance.take_pixels(10**8)
    assert allowance.headers() == {}


def test_an_unchanged_key_keeps_its_count_and_a_changed_one_begins_anew() -> None:
    quotas = Quotas(Clock())
    quotas.of(SHOP).take_request()
    assert quotas.of(SHOP).buckets["requests"].left() == 1
    more = Key("shop", SHOP.scopes, 50.0, None, SHOP.sha256)
    assert quotas.of(more).buckets["requests"].left() == 50


def test_a_bucket_never_holds_more_than_a_minute_s_worth() -> None:
    clock = Clock()
    bucket = Bucket(60, clock)
    clock.now_s += 3600
    assert bucket.left() == 60

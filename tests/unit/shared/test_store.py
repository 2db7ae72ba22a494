"""Quotas and answers of several services in one Redis: the real server, where this machine has one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.access.keyring import Key, hash_of
from service.access.ledger import Draw, LedgerAway, LocalLedger
from service.access.quotas import Allowance, Quotas
from service.configuration_errors import ConfigurationError
from service.engine.request import Answer
from service.engine.shared_answers import SharedAnswers, packed, unpacked
from service.errors import QuotaExceeded
from service.settings import read_settings
from service.shared import SharedStore, shared_store
from service.telemetry.metrics import Metrics
from tests.redis_server import RedisServer, running_redis

pytestmark = pytest.mark.anyio

SHOP = Key("shop", frozenset({"images"}), 3.0, 10.0, hash_of("x"))
ANSWER = Answer(b"\x00picture\xff", "png", "u2net@1", "cpu", 0, 1, {"infer": 1.5}, (1, 2, 3, 4), {"X": "y"}, 1, "ab")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[SharedStore]:
    store = shared_store(SecretStr(url))
    assert store is not None
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def stores(server: RedisServer) -> AsyncIterator[tuple[SharedStore, SharedStore]]:
    """Of two services."""
    async with connected(server.url) as one, connected(server.url) as other:
        yield one, other


def allowances(stores: tuple[SharedStore, SharedStore], key: Key) -> list[Allowance]:
    return [Quotas(ledger=store).of(key) for store in stores]


async def test_two_services_count_the_requests_of_a_key_together(stores: tuple[SharedStore, SharedStore]) -> None:
    one, other = allowances(stores, Key("together", SHOP.scopes, 3.0, None, SHOP.sha256))
    for allowance in (one, other, one):
        await allowance.begin_request()
    with pytest.raises(QuotaExceeded, match="3 requests a minute") as refused:
        await other.begin_request()
    assert 1 <= refused.value.retry_after_s <= 20
    assert '"requests";r=0;' in other.headers()["RateLimit"]


async def test_pixels_that_one_has_overdrawn_keep_the_other_waiting(stores: tuple[SharedStore, SharedStore]) -> None:
    one, other = allowances(stores, Key("pixels", SHOP.scopes, None, 10.0, SHOP.sha256))
    await one.begin_request()
    one.take_pixels(30_000_000)
    await one.paid()
    with pytest.raises(QuotaExceeded, match="10 megapixels a minute") as refused:
        await other.begin_request()
    assert 100 <= refused.value.retry_after_s <= 121


async def test_redis_counts_as_a_process_does(stores: tuple[SharedStore, SharedStore]) -> None:
    """Of limits so low that no time of the test brings anything back."""
    limits = {"requests": 1e-6, "megapixels": 2e-6}
    local = LocalLedger()
    for tokens, is_owed in (({"requests": 1e-6}, False), ({"megapixels": 5e-6}, True), ({"requests": 1e-6}, False)):
        draw = Draw("alike", limits, tokens, is_owed)
        drawn, expected = await stores[0].draw(draw), local.draw(draw)
        assert drawn.is_granted == expected.is_granted
        assert drawn.left == pytest.approx(expected.left, abs=1e-7)


async def test_a_key_with_another_limit_begins_anew(stores: tuple[SharedStore, SharedStore]) -> None:
    spent = Draw("changed", {"requests": 1.0}, {"requests": 1.0})
    assert (await stores[0].draw(spent)).is_granted
    assert not (await stores[1].draw(spent)).is_granted
    assert (await stores[1].draw(Draw("changed", {"requests": 2.0}, {"requests": 1.0}))).is_granted


async def test_an_answer_of_one_service_is_found_by_the_other(stores: tuple[SharedStore, SharedStore]) -> None:
    one, other = (SharedAnswers(store, Metrics()) for store in stores)
    assert await other.get("fingerprint") is None
    one.put("fingerprint", ANSWER)
    await one.written()
    assert await other.get("fingerprint") == ANSWER


async def test_while_redis_is_away_each_counts_for_itself_and_no_request_fails(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    async with connected(redis.url) as store:
        with pytest.raises(LedgerAway):
            await store.draw(Draw("shop", {"requests": 3.0}, {"requests": 1.0}))
        allowance = Quotas(ledger=store).of(SHOP)
        for _ in range(3):
            await allowance.begin_request()
        with pytest.raises(QuotaExceeded):
            await allowance.begin_request()
        allowance.take_pixels(1)
        await allowance.paid()
        answers = SharedAnswers(store, Metrics())
        answers.put("fingerprint", ANSWER)
        await answers.written()
        assert await answers.get("fingerprint") is None


async def test_redis_is_asked_again_once_it_is_back(tmp_path: Path) -> None:
    redis, now_s = RedisServer(tmp_path), [0.0]
    draw = Draw("shop", {"requests": 3.0}, {"requests": 1.0})
    made = shared_store(SecretStr(redis.url))
    assert made is not None
    store = SharedStore(made.client, clock=lambda: now_s[0])
    try:
        with pytest.raises(LedgerAway):
            await store.draw(draw)
        redis.start()
        redis.until_there()
        with pytest.raises(LedgerAway):  # nobody asks so soon
            await store.draw(draw)
        now_s[0] += 60
        assert (await store.draw(draw)).is_granted
    finally:
        await store.close()
        redis.stop()


def test_an_answer_comes_out_as_it_went_in() -> None:
    assert unpacked(packed(ANSWER)) == ANSWER


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SILHOUETTE_SHARED_URL"):
        read_settings(shared_url="http://example.org")


def test_an_address_is_no_part_of_what_is_printed() -> None:
    assert "Zugspitze" not in repr(read_settings(shared_url="redis://:Zugspitze@localhost"))

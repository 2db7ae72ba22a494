"""Webhooks: signed, to servers that the operator has named and to no other, tried again until they are heard."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from service.fetch.webhooks import signature
from service.jobs import DiskStore
from service.jobs.deliveries import Delivery
from service.jobs.disk.deliveries import due
from service.settings import Settings
from tests.api.asking import ended, problem_of
from tests.api.test_batches import post as post_batch
from tests.api.test_jobs import ASYNC, PHOTO, post
from tests.clients import ready_client

PATIENCE_S = 120.0
SECRET = bytes(range(32))


@dataclass
class Receiver:
    """Answers with `statuses`, one after the other, and then with 204."""

    url: str
    statuses: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers, in lower case, and body."""

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while len(self.heard) < count:
            assert time.monotonic() < until
            time.sleep(0.02)  # polls

    def message(self, number: int = -1) -> dict[str, Any]:
        """Once its signature is what it has to be."""
        headers, body = self.heard[number]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        message: dict[str, Any] = json.loads(body)
        return message


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.statuses.pop(0) if found.statuses else 204)
            self.send_header("Location", f"{found.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not to the test's output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def telling(settings: Settings, receiver: Receiver) -> Iterator[TestClient]:
    """A service that may tell the receiver."""
    secret = SecretStr("whsec_" + base64.b64encode(SECRET).decode())
    named = {"webhook_origins": (receiver.url,), "webhook_secret": secret}
    with ready_client(settings.model_copy(update=named)) as running:
        yield running


def test_the_end_of_a_job_is_told(telling: TestClient, receiver: Receiver) -> None:
    before = len(receiver.heard)
    accepted = post(telling, "/remove-background", headers={**ASYNC, "X-Webhook-Url": f"{receiver.url}/done?of=1"})
    job = ended(telling, accepted)
    receiver.wait_for(before + 1)
    message = receiver.message()
    assert (message["type"], message["data"]) == ("job.done", job)


def test_a_batch_is_told_of_once(telling: TestClient, receiver: Receiver) -> None:
    before = len(receiver.heard)
    headers = {"X-Webhook-Url": receiver.url}
    accepted = post_batch(telling, [("one.png", PHOTO), ("two.png", b"none")], headers)
    receiver.wait_for(before + 1)
    message = receiver.message()
    assert (message["type"], message["data"]["id"]) == ("batch.ended", accepted.json()["id"])
    assert (message["data"]["counts"]["done"], message["data"]["counts"]["failed"]) == (1, 1)


def test_what_is_not_heard_is_still_to_be_told(telling: TestClient, receiver: Receiver) -> None:
    """And a redirect is not followed."""
    before = len(receiver.heard)
    receiver.statuses.append(302)
    headers = {**ASYNC, "X-Webhook-Url": receiver.url}
    ended(telling, post(telling, "/remove-background", headers=headers))
    receiver.wait_for(before + 1)
    (url,) = {each.url for each in _later(telling)}
    assert url == receiver.url


def _later(client: TestClient) -> Sequence[Delivery]:
    """What is to be told in a day, once it is seen that it was not heard now."""
    store: DiskStore = client.app.state.service.jobs.store  # type: ignore[attr-defined]
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = due(store.rows, time.time() + 86_400, 9)
        if found and found[0].attempts:
            return found
        time.sleep(0.02)  # polls
    raise AssertionError(found)


@pytest.mark.parametrize("url", ["https://example.org/", "http://127.0.0.1:1/", "http://localhost/", "ftp://x/", "x"])
def test_other_servers_are_refused_at_once(telling: TestClient, url: str) -> None:
    headers = {**ASYNC, "X-Webhook-Url": url}
    problem_of(post(telling, "/remove-background", headers=headers), 422, "url_refused")
    problem_of(post_batch(telling, [("one.png", PHOTO)], headers), 422, "url_refused")


def test_nothing_is_sent_unless_servers_are_named(client: TestClient, receiver: Receiver) -> None:
    headers = {**ASYNC, "X-Webhook-Url": receiver.url}
    problem_of(post(client, "/remove-background", headers=headers), 422, "url_refused")


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """Source: the example that docs.svix.com gives for verifying by hand."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

"""A running service as a Backend: it has its models loaded, and perhaps a GPU."""

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from service.cli.address import client_with, json_of, problem_in, service_url
from service.cli.console import say
from service.cli.files.errand import Errand, as_flags
from service.cli.files.report import PhotoFailed, Stopped
from service.configuration_errors import ConfigurationError
from service.errors import BadOption, MissingKey, NotAcceptable, ScopeMissing, UnknownKey, UnknownModel, UnknownOption

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

PLACES = 8
"""Photos on the way at once: enough that sending, computing and writing go on beside each other. What is too much for
the service it refuses, and is asked again."""

PATIENCE_S = 300.0
"""A photo that is refused for so long has failed; a service that is away for so long has gone."""

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
"""502 is what a proxy says while the service behind it starts."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Between two tries where nobody says when to come back; each is twice as long as the one before."""

SAME_FOR_ALL = (BadOption, MissingKey, NotAcceptable, ScopeMissing, UnknownKey, UnknownModel, UnknownOption)

WRONG_COMMAND = {failure.code for failure in SAME_FOR_ALL} | {"unauthorized", "forbidden", "not_found"}
"""Codes that have nothing to do with the picture: every other would fail as well."""

BULK = {"Priority": "u=5"}
"""RFC 9218: those who wait for one picture go first."""


class NotNow(Exception):
    """To be asked again, after `wait_s` where the service says so. `outcome` is what it comes to in the end."""

    def __init__(self, outcome: PhotoFailed | Stopped, wait_s: float | None = None) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome
        self.wait_s = wait_s


@dataclass(frozen=True)
class Remote:
    """A Backend."""

    client: "AsyncClient"
    errand: Errand
    places: int = PLACES

    async def answer(self, photo: bytes) -> bytes:
        """Waits as the service asks, and asks again. Raises ConfigurationError where no picture could be answered."""
        until_s, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while True:
            try:
                return await self._ask(photo)
            except NotNow as refusal:
                wait_s = pause_s if refusal.wait_s is None else refusal.wait_s
                if time.monotonic() + wait_s > until_s:
                    raise refusal.outcome from refusal
            await asyncio.sleep(wait_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _ask(self, photo: bytes) -> bytes:
        from httpx2 import ConnectError, ConnectTimeout, TransportError

        operation, options = self.errand.operation, self.errand.options
        query = {**self.errand.given, "format": options.chosen_format()}
        try:
            response = await self.client.post(
                f"/{operation.name}", params=query, files={"image": photo, **self.errand.pictures}
            )
        except (ConnectError, ConnectTimeout) as error:
            raise NotNow(Stopped(f"{self.client.base_url} does not answer any more")) from error
        except TransportError as error:
            raise NotNow(PhotoFailed("connection_lost", str(error) or type(error).__name__)) from error
        if response.is_success:
            return response.content
        raise _refusal(response)


@asynccontextmanager
async def remote_backend(url: str, errand: Errand, headers: Mapping[str, str]) -> AsyncIterator[Remote]:
    """Raises ConfigurationError where nobody answers there, or nobody that we know."""
    say(f"asking {url}")
    async with client_with(headers) as client:
        client.base_url = await _found(client, service_url(url))
        yield Remote(client, errand)


async def _found(client: "AsyncClient", url: str) -> str:
    """Where the service is, once redirections were followed: they would turn a POST into a GET."""
    from httpx2 import HTTPError

    try:
        response = await client.get(f"{url}/models", follow_redirects=True)
    except HTTPError as error:
        raise ConfigurationError(f"--url {url}: nobody answers there: {error or type(error).__name__}") from error
    if not response.is_success and (detail := problem_in(response).get("detail")):
        raise ConfigurationError(f"--url {url}: {detail}")
    if not response.is_success or not isinstance(json_of(response), list):
        raise ConfigurationError(f"--url {url}: no Silhouette, it answers {response.status_code} on /models")
    return str(response.url).removesuffix("/models")


def _refusal(response: "Response") -> NotNow | PhotoFailed | ConfigurationError:
    """What an answer that is no picture means."""
    problem = problem_in(response)
    detail = str(problem.get("detail") or f"the service answers {response.status_code} {response.reason_phrase}")
    code = str(problem.get("code") or response.reason_phrase.lower().replace(" ", "_") or response.status_code)
    if response.status_code in BUSY:
        return NotNow(PhotoFailed(code, detail), _retry_after_s(response.headers.get("Retry-After")))
    return ConfigurationError(as_flags(detail)) if code in WRONG_COMMAND else PhotoFailed(code, detail)


def _retry_after_s(header: str | None) -> float | None:
    """Of RFC 9110, section 10.2.3: seconds or a date. None where it says neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a time zone
        return None

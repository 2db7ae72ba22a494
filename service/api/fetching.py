"""A picture that a request names by a URL, fetched for it."""

from fastapi import Request

from service.api.exchange import exchange_of, while_connected
from service.api.state import Service


async def fetch_picture(request: Request, service: Service, url: str, authorization: str | None = None) -> bytes:
    """The bytes at `url`, as if the client had uploaded them: `image = await fetch_picture(request, service, url)`.

    For endpoints that have read the request's body, or have none, and that the Gate has admitted, GET too. Its bytes
    count on the request's permit, its time on the request's deadline; it ends when the client leaves. Off unless
    `SILHOUETTE_FETCH` is set. An empty answer is b"". `authorization`: the operator's own for that server, no caller's.

    Raises what a door words in its own form: FetchingOff (the operator does not want it), UrlRefused (this URL never),
    FetchFailed (the other server, this time), TooManyBytes, and DeadlineExceeded, TooManyFetches or QueueFull.
    """
    exchange = exchange_of(request)
    assert exchange.permit is not None, "the Gate has to admit whoever has pictures fetched"
    with exchange.fetching() as traceparent:
        work = service.fetcher.fetch(url, exchange.permit, exchange.deadline, authorization, traceparent)
        return await while_connected(request, work)

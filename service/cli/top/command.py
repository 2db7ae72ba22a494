"""`silhouette top`: the pool of a running service, live in a terminal. Reads its /metrics and nothing else."""

import argparse
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from service.cli.address import add_service_flags, key_headers, service_url
from service.cli.console import say
from service.cli.exit_codes import FAILED
from service.cli.numbers import seconds

if TYPE_CHECKING:
    from rich.console import RenderableType

    from service.cli.console import Commands
    from service.cli.top.scrape import Scrape

EXAMPLES = """\
examples:
  silhouette top
  silhouette top --url https://pictures.example.org --interval 5
  silhouette top --once > now.txt
"""

WINDOW_S = 10.0
"""Rates and latencies are those of the last so many seconds: long enough for a few requests of a slow model."""

ANSWER_TIMEOUT_S = 5.0


class Away(Exception):
    """Nobody answers there, or nobody that we know. The message is one line."""


def add_command(commands: "Commands") -> None:
    parser = commands.add_parser(
        "top",
        help="watch a running service",
        description="Watch a running service in the terminal: queue, workers, latencies, errors. Ctrl-C ends it. "
        f"Rates and latencies are those of the last {WINDOW_S:g} seconds. p50 and p95 are computed from what the "
        "histograms of /metrics counted in that time, interpolated linearly within a bucket, so they are estimates.",
        epilog=EXAMPLES,
    )
    add_service_flags(parser, "the service (default: %(default)s)", "http://127.0.0.1:8000")
    parser.add_argument(
        "--interval", type=seconds, default=2.0, metavar="S", help="seconds between two looks (default: %(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="print one frame, counted since the service started")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """The exit code: 1 where one frame was asked for and there is nobody to ask."""
    url = service_url(chosen.url)
    if chosen.once:
        return _show_once(url, chosen.api_key)
    with contextlib.suppress(KeyboardInterrupt):
        _show_for_ever(Watch(url, chosen.interval, chosen.api_key), chosen.interval)
    return 0


def _show_once(url: str, api_key: str | None) -> int:
    from rich.console import Console

    from service.cli.top.frame import draw
    from service.cli.top.scrape import compare

    try:
        scrape = read(url, api_key)
    except Away as away:
        say(f"silhouette: {url} is away: {away}")
        return FAILED
    Console().print(draw(url, scrape, compare(None, scrape)))
    return 0


def _show_for_ever(watch: "Watch", interval_s: float) -> None:
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        while True:
            live.update(watch.look(), refresh=True)
            time.sleep(interval_s)


class Watch:
    """Looks again and again, and remembers the scrapes of the last `WINDOW_S`."""

    def __init__(self, url: str, interval_s: float, api_key: str | None = None) -> None:
        self._url = url
        self._api_key = api_key
        self._interval_s = interval_s
        self._scrapes: deque[Scrape] = deque()

    def look(self) -> "RenderableType":
        """The next frame: also one where the service is away."""
        from service.cli.top.frame import draw, draw_away
        from service.cli.top.scrape import compare

        try:
            scrape = read(self._url, self._api_key)
        except Away as away:
            self._scrapes.clear()
            return draw_away(self._url, str(away), self._interval_s)
        self._remember(scrape)
        earlier = self._scrapes[0] if len(self._scrapes) > 1 else None
        return draw(self._url, scrape, compare(earlier, scrape))

    def _remember(self, scrape: "Scrape") -> None:
        """The oldest one that is kept is about `WINDOW_S` old, or the one before the newest."""
        self._scrapes.append(scrape)
        while len(self._scrapes) > 2 and scrape.at_s - self._scrapes[1].at_s >= WINDOW_S:
            self._scrapes.popleft()


def read(url: str, api_key: str | None = None) -> "Scrape":
    """What the service at `url` says now. Raises Away."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    from service.cli.top.scrape import NotSilhouette, parse

    try:
        with urlopen(Request(f"{url}/metrics", headers=dict(key_headers(api_key))), timeout=ANSWER_TIMEOUT_S) as answer:
            text, at_s = answer.read().decode(errors="replace"), time.monotonic()
        return parse(text, at_s)
    except HTTPError as error:
        raise Away(f"it answers {error.code} on /metrics") from error
    except URLError as error:
        raise Away(str(error.reason)) from error
    except (OSError, HTTPException, NotSilhouette) as error:
        raise Away(str(error) or type(error).__name__) from error

"""The whole service in this process, its workers in others."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from service.workers.plan import SegmenterFamilies
from tests.fakes import tiny_families

PATIENCE_S = 120.0

ALIVE = list[TestClient]()
"""Of this process; that of the session is used by the tests of many files."""


@contextmanager
def ready_client(settings: Settings, families: SegmenterFamilies = tiny_families) -> Iterator[TestClient]:
    """A client of the service, with the tiny models unless others are meant, once its workers are ready."""
    if settings.pool == "ray":  # those that have the same models share replicas
        application = f"suite-{hashlib.sha256(str(settings.model_store).encode()).hexdigest()[:8]}"
        settings = settings.model_copy(update={"ray_application": application})
    app = create_app(settings, families)
    with TestClient(app) as running:
        assert running.portal is not None
        running.portal.call(app.state.service.started.wait)
        ALIVE.append(running)
        try:
            yield running
        finally:
            ALIVE.remove(running)


def wait_for_jobs() -> None:
    """Until no service of this process is at work for what a test has left to it."""
    gives_up_at = time.monotonic() + PATIENCE_S
    while any(sum(each.app.state.service.jobs.unfinished().values()) for each in ALIVE):  # type: ignore[attr-defined]
        assert time.monotonic() < gives_up_at
        time.sleep(0.02)

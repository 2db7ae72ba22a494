"""The whole service in this process, its workers in others."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from service.app import create_app
from service.settings import Settings
from service.workers.plan import SegmenterFamilies
from tests.fakes import tiny_families


@contextmanager
def ready_client(settings: Settings, families: SegmenterFamilies = tiny_families) -> Iterator[TestClient]:
    """A client of the service, with the tiny models unless others are meant, once its workers are ready."""
    app = create_app(settings, families)
    with TestClient(app) as running:
        assert running.portal is not None
        running.portal.call(app.state.service.started.wait)
        yield running

"""A client of the service where it fetches pictures by their URLs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.settings import Settings
from tests.clients import ready_client, wait_for_jobs
from tests.picture_server import authority


@pytest.fixture(scope="module", autouse=True)
def _jobs_are_done() -> Iterator[None]:
    """What a file has left to a service that lives on is no part of what the next one counts."""
    yield
    wait_for_jobs()


@pytest.fixture(scope="session")
def fetching(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """From 127.0.0.1 by https, at any port: see `serving` in tests/picture_server.py. Ready."""
    with authority().cert_pem.tempfile(str(tmp_path_factory.mktemp("authority"))) as ca_file:
        opened = {
            "fetch": ("https",),
            "fetch_hosts": ("127.0.0.1",),
            "fetch_ports": range(65536),
            "fetch_private": ("127.0.0.0/8",),
            "fetch_ca_file": Path(ca_file),
        }
        with ready_client(settings.model_copy(update=opened)) as running:
            yield running

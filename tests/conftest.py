"""Few fixtures: a tiny model store, the settings that point to it, and a client of the service that runs on it."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from starlette.testclient import TestClient

from service.settings import Settings, read_settings
from tests.clients import ready_client
from tests.fakes import make_store

# A deadline per example would measure the machine, not the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One CPU worker with both tiny models; the subject model is the default."""
    store: Path = make_store(tmp_path_factory.mktemp("store"))
    return read_settings(model_store=store, models=("tiny-subject", "tiny-classes"), device="cpu", workers=1)


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """The whole service in this process, its worker in another, ready."""
    with ready_client(settings) as running:
        yield running

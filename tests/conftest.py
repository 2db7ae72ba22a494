"""Few fixtures: a tiny model store, the settings that point to it, and a client of the service that runs on it."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from starlette.testclient import TestClient

from service.settings import Settings, read_settings
from tests.clients import ready_client
from tests.fakes import make_store
from tests.side_by_side import begins_at, pytest_xdist_make_scheduler

__all__ = ["pytest_xdist_make_scheduler"]

# A deadline per example would measure the machine, not the code. The examples are the same in every run, so that a
# change fails of what it does and not of its luck; others are tried with `--hypothesis-profile=searching`.
hypothesis.settings.register_profile("searching", deadline=None)
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_configure() -> None:
    """A shell that runs the tests in the background has Ctrl-C ignored, which every process of theirs would inherit."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: begins_at(item.nodeid))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What tests that are marked `anyio` run on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _temporary_files() -> Iterator[None]:
    """Those of all processes that tests start are in one folder: whoever is killed cannot remove its own."""
    tempfile.gettempdir()  # this process' place stays what it is: results are looked at when a test has failed
    with tempfile.TemporaryDirectory(prefix="silhouette-tests-", ignore_cleanup_errors=True) as folder:
        former = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = folder
        yield
        if former is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = former


@pytest.fixture(scope="session", autouse=True)
def _cluster() -> Iterator[None]:
    """With `SILHOUETTE_POOL=ray`, all services of these tests have their networks in one cluster: `make test-ray`."""
    if os.environ.get("SILHOUETTE_POOL") != "ray":
        yield
        return
    from tests.ray.cluster import running_cluster

    with running_cluster(room=32) as cluster:
        os.environ.update(cluster.environment, SILHOUETTE_RAY_ADDRESS=cluster.address)
        yield


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

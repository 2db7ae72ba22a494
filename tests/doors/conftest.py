"""One real server with the tiny networks, which the real clients of other services are pointed to."""

from collections.abc import Iterator

import pytest

from tests.fakes import make_store
from tests.system.loading import tiny_server
from tests.system.serving import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`tiny-subject`, the default model, and `tiny-classes`; every door is open, and nobody needs a key."""
    with tiny_server(
        make_store(tmp_path_factory.mktemp("store")), SILHOUETTE_MODELS="tiny-subject,tiny-classes"
    ) as tiny:
        yield tiny

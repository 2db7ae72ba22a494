"""A plan of tiny networks, which no test changes, and one event loop for the tests of a file."""

import pytest

from service.workers.plan import WorkerPlan
from tests.pools import tiny_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> WorkerPlan:
    return tiny_plan(tmp_path_factory.mktemp("workers"))

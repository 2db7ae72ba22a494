"""Everything in this folder needs a CUDA device, is marked `gpu`, and is skipped where there is none.

On a machine that has one: `pytest -m gpu`.
"""

from pathlib import Path

import pytest
import torch

from service.models.store import ModelStore
from tests.fakes import make_store

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    without = pytest.mark.skip(reason="this machine has no CUDA device")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.device_count():
                item.add_marker(without)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(make_store(tmp_path_factory.mktemp("gpu")))

"""Whom the tests' own servers are vouched for by."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.picture_server import authority


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with authority().cert_pem.tempfile(str(tmp_path_factory.mktemp("authority"))) as file:
        yield Path(file)

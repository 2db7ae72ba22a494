"""What is published, a store that has not pulled it, and a server of it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.models.store.convert import convert
from service.models.store.store import sha256_of
from tests.fakes import make_store
from tests.unit.models.store.file_server import Server, Web, handler_of
from tests.unit.models.store.publishing import NAME, NOWHERE, Published, published_file, write_card


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    path = published_file(folder)
    convert("u2net", path, folder / "converted")
    return Published(path, sha256_of(folder / "converted"))


@pytest.fixture
def folder(tmp_path: Path, published: Published) -> Path:
    """A store whose one card was not pulled yet; the only source on the card cannot be reached."""
    make_store(tmp_path)
    write_card(tmp_path, published, NOWHERE)
    (tmp_path / NAME / "model.safetensors").unlink()
    return tmp_path


@pytest.fixture
def web(published: Published) -> Iterator[Web]:
    web = Web(published.content)
    web.go_on.set()
    with Server(("127.0.0.1", 0), handler_of(web)) as server:
        web.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield web
        web.go_on.set()
        server.shutdown()
        thread.join()

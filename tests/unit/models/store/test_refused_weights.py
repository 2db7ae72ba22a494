"""What a source sends is not trusted, and whatever is wrong with it is told."""

import hashlib
from pathlib import Path

import pytest

from service.configuration_errors import BadCard, BadWeights, PullFailed
from tests.unit.models.store.file_server import Web, at
from tests.unit.models.store.publishing import FILE, NAME, NOWHERE, Published, left_over, pull, write_card


def test_a_file_with_another_sha256_is_refused_and_leaves_nothing(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / FILE).write_bytes(b"something else")
    with pytest.raises(PullFailed, match="sha256"):
        pull(folder, str(mirror))
    assert set(left_over(folder)) <= {"lock"}


def test_a_download_with_another_sha256_is_refused_and_leaves_nothing(
    folder: Path, web: Web, published: Published
) -> None:
    write_card(folder, published, at(web))
    web.content = bytes(reversed(web.content))
    with pytest.raises(PullFailed, match="sha256"):
        pull(folder)
    assert set(left_over(folder)) <= {"lock"}


def test_after_a_wrong_mirror_the_right_source_is_asked(
    folder: Path, web: Web, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / FILE).write_bytes(b"something else")
    write_card(folder, published, at(web))
    assert pull(folder, str(mirror))


def test_a_server_that_sends_more_than_promised_is_stopped(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    web.content += bytes(8_000_000)
    with pytest.raises(PullFailed, match="more than"):
        pull(folder)
    assert not (folder / NAME / "model.safetensors").exists()
    web.content = published.content
    assert pull(folder)


def test_a_conversion_with_another_sha256_is_refused(folder: Path, published: Published) -> None:
    card = folder / NAME / "card.toml"
    card.write_text(card.read_text().replace(published.converted_sha256, "0" * 64))
    with pytest.raises(BadWeights, match="sha256"):
        pull(folder, str(published.path.parent))
    assert not (folder / NAME / "model.safetensors").exists()


def test_a_file_that_is_not_the_known_graph_is_refused(
    folder: Path, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    (mirror / FILE).write_bytes(b"not ONNX at all")
    sha256 = hashlib.sha256(b"not ONNX at all").hexdigest()
    write_card(folder, published, NOWHERE, sha256=sha256)
    with pytest.raises(BadWeights):
        pull(folder, str(mirror))
    assert not (folder / NAME / "model.safetensors").exists()


def test_an_unknown_family_is_the_card_s_fault(folder: Path, published: Published) -> None:
    card = folder / NAME / "card.toml"
    card.write_text(card.read_text().replace('"u2net"', '"unet"'))
    with pytest.raises(BadCard, match="unet"):
        pull(folder, str(published.path.parent))


def test_where_no_source_answers_every_reason_is_told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = str(tmp_path_factory.mktemp("empty"))
    with pytest.raises(PullFailed) as failed:
        pull(folder, empty)
    assert empty in str(failed.value)
    assert "127.0.0.1:9" in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1

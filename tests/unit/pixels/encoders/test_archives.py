"""NPZ and ZIP, read back with numpy and zipfile."""

import zipfile
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pixels.encoders import npz, zip_of

LABELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
CONFIDENCE = 255 - LABELS

file_names = st.text("abcdefghijklmnopqrstuvwxyzäß-_.", min_size=1, max_size=20)


def test_npz_gives_back_its_arrays_without_pickle() -> None:
    with np.load(BytesIO(npz(LABELS, CONFIDENCE, ["background", "Käfer"])), allow_pickle=False) as arrays:
        assert sorted(arrays) == ["confidence", "labels", "names"]
        assert arrays["labels"].dtype == arrays["confidence"].dtype == np.uint8
        assert np.array_equal(arrays["labels"], LABELS)
        assert np.array_equal(arrays["confidence"], CONFIDENCE)
        assert arrays["names"].tolist() == ["background", "Käfer"]


def test_npz_without_names_still_has_an_array_of_text() -> None:
    with np.load(BytesIO(npz(LABELS, CONFIDENCE, [])), allow_pickle=False) as arrays:
        assert arrays["names"].shape == (0,)
        assert arrays["names"].dtype.kind == "U"


def test_npz_is_compressed() -> None:
    flat = np.zeros((500, 500), np.uint8)
    assert len(npz(flat, flat, ["background"])) < flat.nbytes / 10


@given(st.dictionaries(file_names, st.binary(max_size=100)))
def test_zip_gives_back_its_files_in_order(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(BytesIO(zip_of(files))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.namelist() == list(files)


def test_zip_stores_files_that_anyone_may_read() -> None:
    with zipfile.ZipFile(BytesIO(zip_of({"cat.png": bytes(1000)}))) as archive:
        (entry,) = archive.infolist()
    assert entry.compress_type == zipfile.ZIP_STORED
    assert entry.external_attr >> 16 == 0o100644


@pytest.mark.parametrize("archive", [zip_of({"cat.png": b"", "dog.png": b""}), npz(LABELS, CONFIDENCE, ["cat"])])
def test_equal_input_gives_equal_bytes_because_no_clock_is_read(archive: bytes) -> None:
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}

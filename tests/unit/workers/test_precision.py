"""Which number format each model computes in."""

from datetime import date
from pathlib import Path

import pytest

from service.configuration_errors import ConfigurationError
from service.kernels.library import cpu_flags
from service.models.store import Checkpoint, ModelStore
from service.models.store.card import Precision
from service.models.store.int8_ranges import Int8Ranges
from service.settings import read_settings
from service.workers.precision import check_names, on_cpu, on_cuda
from tests.fakes import make_store

AVX2 = frozenset({"avx2"})
AMX = frozenset({"avx2", "avx512_vnni", "amx_bf16"})
OLD = frozenset({"sse4_2"})


@pytest.fixture
def checkpoints(tmp_path: Path) -> list[Checkpoint]:
    """`tiny-subject` is calibrated and prefers int8; `tiny-classes` is neither."""
    store = ModelStore(make_store(tmp_path))
    subject, classes = (store.checkpoint(store.card(name)) for name in ("tiny-subject", "tiny-classes"))
    ranges = Int8Ranges(
        weights_sha256=subject.card.converted.sha256, made=date(2026, 1, 1), pictures=1, provenance="none", spans={}
    )
    card = subject.card.model_copy(update={"precision": "int8"})
    return [Checkpoint(card, subject.weights, ranges), classes]


def chosen(checkpoints: list[Checkpoint]) -> list[Precision]:
    return [checkpoint.card.precision for checkpoint in checkpoints]


@pytest.mark.parametrize(
    ("setting", "flags", "expected"),
    [
        ("auto", AVX2, ["int8", "fp32"]),
        ("auto", AMX, ["int8+bf16", "fp32"]),
        ("auto", OLD, ["fp32", "fp32"]),
        ("fp32", AMX, ["fp32", "fp32"]),
        ("int8", AVX2, ["int8", "fp32"]),
        ("bf16", AMX, ["bf16", "bf16"]),
        ("tiny-subject=fp32", AVX2, ["fp32", "fp32"]),
        ("tiny-subject=int8,tiny-classes=bf16", AMX, ["int8+bf16", "bf16"]),
        ("tiny-classes=fp32", AVX2, ["int8", "fp32"]),
    ],
)
def test_the_setting_wins_over_the_card_and_the_cpu_over_the_cards_wish(
    checkpoints: list[Checkpoint], setting: str, flags: frozenset[str], expected: list[Precision]
) -> None:
    assert chosen(on_cpu(checkpoints, setting, flags)) == expected


@pytest.mark.parametrize(
    ("setting", "flags", "words"),
    [
        ("int8", OLD, "int8 needs OpenVINO and a CPU with AVX2"),
        ("tiny-subject=int8", OLD, "int8 needs OpenVINO and a CPU with AVX2"),
        ("bf16", AVX2, "bf16 needs OpenVINO and a CPU with AMX"),
        ("tiny-classes=int8", AVX2, "silhouette models quantize tiny-classes"),
    ],
)
def test_what_cannot_be_is_said_and_not_replaced_in_silence(
    checkpoints: list[Checkpoint], setting: str, flags: frozenset[str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        on_cpu(checkpoints, setting, flags)


def test_a_name_that_no_card_has_is_refused_and_one_that_may_be_loaded_later_is_not() -> None:
    check_names("tiny-subject=fp32", ["tiny-subject", "tiny-classes"])
    check_names("int8", [])
    with pytest.raises(ConfigurationError, match="names models that have no card: u3net"):
        check_names("u3net=int8,tiny-subject=fp32", ["tiny-subject", "tiny-classes"])


def test_on_cuda_everything_is_in_half_precision(checkpoints: list[Checkpoint]) -> None:
    assert chosen(on_cuda(checkpoints)) == ["fp16", "fp16"]


def test_the_label_of_a_model_tells_its_precision(checkpoints: list[Checkpoint]) -> None:
    labels = [checkpoint.card.label for checkpoint in on_cpu(checkpoints, "auto", AMX)]
    assert labels == ["tiny-subject@1+int8+bf16", "tiny-classes@1"]


@pytest.mark.parametrize("setting", ["int4", "u2net=fp16", "u2net", "u2net=int8,", "=int8"])
def test_a_setting_that_means_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ConfigurationError, match="SILHOUETTE_PRECISION"):
        read_settings(precision=setting)


def test_the_flags_are_read_as_linux_writes_them(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nflags\t\t: fpu avx2 avx512_vnni\nvmx flags\t: vnmi\n\nprocessor\t: 1\n")
    assert cpu_flags(cpuinfo) == {"fpu", "avx2", "avx512_vnni"}
    assert cpu_flags(tmp_path / "missing") == frozenset()


def test_ranges_of_other_weights_are_refused(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    card = store.card("tiny-subject")
    store.int8_ranges_file(card).write_text(
        Int8Ranges(
            weights_sha256="0" * 64, made=date(2026, 1, 1), pictures=1, provenance="none", spans={}
        ).model_dump_json()
    )
    with pytest.raises(ConfigurationError, match=r"int8\.json is of other weights"):
        store.checkpoint(card)


def test_a_broken_file_of_ranges_is_told_by_its_path(tmp_path: Path) -> None:
    store = ModelStore(make_store(tmp_path))
    card = store.card("tiny-subject")
    store.int8_ranges_file(card).write_text("{}")
    with pytest.raises(ConfigurationError, match=r"tiny-subject/int8\.json: weights_sha256: it is missing"):
        store.checkpoint(card)

"""benchmarks/speed/gpu_check.py and what it carries, as far as they go without a GPU."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from benchmarks.harness.builds import REPOSITORY
from benchmarks.speed import gpu_check
from benchmarks.speed.gpu_check import LIMITS_S, Checked, check, check_all, print_all
from benchmarks.speed.gpu_checks import CHECKS
from benchmarks.speed.packed_weights import PACKED, make_store, pack, widen
from service.models.store import ModelStore
from service.models.store.int8_ranges import Int8Ranges, write_ranges
from service.models.store.store import sha256_of
from tests.fakes import make_store as make_tiny_store

DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image", "xdist": "pytest-xdist", "multipart": "python-multipart"}
"""Where a package is called otherwise than what it comes in."""


def test_every_check_has_a_time_limit_and_together_they_end_in_time() -> None:
    assert list(LIMITS_S) == list(CHECKS)
    assert min(LIMITS_S.values()) >= gpu_check.LEAST_S


def test_it_starts_with_nothing_but_python_installed() -> None:
    bare = [sys.executable, "-S", "-E", "benchmarks/speed/gpu_check.py", "--help"]
    assert "--device cpu" in subprocess.run(bare, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


def test_a_bare_machine_gets_every_package_that_the_checks_import() -> None:
    imported = imported_with(gpu_check.NEEDED.removeprefix("import ").split(", "))
    foreign = {requirement_name(DISTRIBUTIONS.get(name, name)) for name in imported - set(sys.stdlib_module_names)}
    assert {"torch", "httpx2", "pytest-xdist"} <= foreign
    named = {requirement_name(each) for each in [*gpu_check._dependencies([]), *gpu_check.PACKAGES]}
    assert foreign <= named | {requirement_name(text) for name in named for text in required_by(name)}


def imported_with(modules: Sequence[str]) -> set[str]:
    """The packages, not ours, that are imported at once when these modules are."""
    seen, waiting, others = set[str](), list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        package, _, _ = name.rpartition(".")
        place = REPOSITORY / name.replace(".", "/")
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if not (REPOSITORY / name.partition(".")[0]).is_dir():
            others.add(name.partition(".")[0])
        elif name not in seen:
            seen.add(name)
            waiting += [package] if package else []
            waiting += imports_of(file) if file.is_file() else []
    return others


def imports_of(file: Path) -> Iterator[str]:
    """By their whole names; what is imported from a module may be one, too."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def required_by(name: str) -> list[str]:
    """What always comes with it; nothing where it is not installed on this system."""
    try:
        return [text for text in requires(name) or [] if "extra ==" not in text]
    except PackageNotFoundError:
        return []


def requirement_name(text: str) -> str:
    """`uvicorn[standard]>=0.34` -> `uvicorn`"""
    return re.split(r"[^\w.-]", text, maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


def test_its_environment_has_what_the_interpreter_that_made_it_has(tmp_path: Path) -> None:
    gpu_check.make_environment(tmp_path)
    question = "import numpy, sys; print(numpy.__file__, sys.prefix)"
    asked = [str(tmp_path / "bin" / "python"), "-c", question]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    assert said == [np.__file__, str(tmp_path)]


def test_a_cpu_has_longer_for_what_it_does_and_ends_in_time() -> None:
    at_work = [limit_s for name, limit_s in LIMITS_S.items() if name not in ("tests", "out of memory")]
    assert gpu_check.CPU_PATIENCE * sum(at_work) <= 60 * gpu_check.MINUTES + gpu_check.LEAST_S


def test_what_only_a_gpu_has_is_left_out_on_a_cpu(tmp_path: Path) -> None:
    checked = check("tests", sys.executable, "cpu", tmp_path, limit_s=60)
    assert (checked.result, list(checked.lines)) == ("skipped", ["the tests in tests/gpu need a CUDA device"])


def test_a_check_that_hangs_is_ended_and_has_failed(tmp_path: Path) -> None:
    checked = check("tests", sys.executable, "cpu", tmp_path, limit_s=0.01)
    assert (checked.result, list(checked.lines)) == ("failed", ["not over after 0 s"])


def test_when_the_time_is_over_the_rest_is_left_out(tmp_path: Path) -> None:
    found = check_all(sys.executable, "cpu", tmp_path, end=0.0)
    assert {each.result for each in found} == {"skipped"}


def test_the_table_says_what_each_check_found(capsys: pytest.CaptureFixture[str]) -> None:
    print_all([Checked("served", "ok", 12.3, ["ready after 4.5 s"])])
    assert capsys.readouterr().out.splitlines() == ["OK      served              12 s", "        ready after 4.5 s"]


def test_widened_weights_are_within_half_a_step_and_take_a_quarter_of_the_room() -> None:
    drawn = np.random.default_rng(1)
    tensors = {"a.weight": drawn.normal(0, 3, (64, 32, 3, 3)).astype(np.float32), "a.bias": np.ones(64, np.float32)}
    packed = pack(tensors)
    widened = widen(packed)
    assert sum(each.nbytes for each in packed.values()) < 0.27 * sum(each.nbytes for each in tensors.values())
    assert set(widened) == set(tensors)
    assert np.array_equal(widened["a.bias"], tensors["a.bias"])
    step = np.abs(tensors["a.weight"]).reshape(64, -1).max(axis=1) / 127
    apart = np.abs(widened["a.weight"] - tensors["a.weight"]).reshape(64, -1).max(axis=1)
    assert (apart <= 0.501 * step).all()


def test_a_channel_of_zeros_stays_one() -> None:
    nothing = {"weight": np.zeros((2, 3), np.float32)}
    assert np.array_equal(widen(pack(nothing))["weight"], nothing["weight"])


def test_packed_weights_become_a_store_that_a_service_starts_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, wheels, store = make_tiny_store(tmp_path / "ours"), tmp_path / "wheels", tmp_path / "store"
    wheels.mkdir()
    pulled = ours / "tiny-subject" / "model.safetensors"
    ranges = Int8Ranges(
        weights_sha256=sha256_of(pulled), made=date(2026, 11, 29), pictures=1, provenance="none", spans={}
    )
    write_ranges(ours / "tiny-subject" / "int8.json", ranges)
    save_file(pack(load_file(pulled)), wheels / f"tiny-subject{PACKED}")
    pulled.unlink()
    monkeypatch.setenv("SILHOUETTE_MODEL_STORE", str(ours))
    assert make_store(wheels, store) == ["tiny-classes", "tiny-subject"]
    for name in ("tiny-classes", "tiny-subject"):
        there = ModelStore(store)
        assert there.checkpoint(there.card(name)).weights.is_file()


def test_it_writes_what_it_found_even_where_no_time_was_left(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    with pytest.raises(SystemExit) as ended:
        gpu_check.main(["--device", "cpu", "--minutes", "0", "--wheels", str(tmp_path), "--json", str(out)])
    assert ended.value.code in (0, gpu_check.NOT_READY)  # which it is where no weights were pulled
    if ended.value.code == 0:
        assert [each["name"] for each in json.loads(out.read_text())["checks"]] == list(LIMITS_S)

"""Runs the tests of the compiled loops with what stops at the first byte that is read or written outside of its memory.

  make sanitize    compiles them with AddressSanitizer and UndefinedBehaviorSanitizer, and runs their tests on that

Needs clang with its sanitizers; on Debian 12: apt-get install clang libclang-rt-14-dev.
"""

import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.build_kernels import ALL

COMPILE = (
    "clang -march=x86-64-v3 -O1 -g -std=c11 -fPIC -shared -shared-libasan -fno-omit-frame-pointer "
    "-fsanitize=address,undefined -fno-sanitize=alignment -Wno-pass-failed"
)
"""Vectors may begin anywhere."""

OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=0:detect_odr_violation=0",  # Python keeps what it has until its end
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}

FOLDER = "SANITIZED_KERNELS"

TESTS = (
    "tests/unit/test_kernels.py",
    "tests/unit/test_resizing.py",
    "tests/unit/pixels/test_foreground.py",
    "tests/unit/pixels/test_helpers.py",
    "tests/unit/pixels/test_refinement.py",
    "tests/unit/pixels/test_subject.py",
    "tests/unit/models/engines/test_winograd.py",
    "tests/unit/models/segmenters/test_u2net_in_bytes.py",
)

OF_THE_LIBRARY_ITSELF = (
    "tests/unit/test_kernels.py::test_the_libraries_were_compiled_from_the_sources_that_lie_beside_them",
    "tests/unit/models/segmenters/test_u2net_in_bytes.py::test_its_map_is_close_to_that_in_float32",
)
"""The first compares the files. Sums in another order are rounded otherwise, for which the second has a bound."""


def pytest_configure() -> None:
    """As a plugin of the tests: the loaders find the libraries of `FOLDER`."""
    for built in ALL:
        loader = importlib.import_module(f"service.kernels.{built.loader.stem}")
        library = Path(os.environ[FOLDER], built.library.name)
        loader.LIBRARY, loader.LIBRARY_SHA256 = library, hashlib.sha256(library.read_bytes()).hexdigest()


def compiled_into(folder: Path) -> None:
    """Raises CalledProcessError where clang is not content."""
    for built in ALL:
        command = [*COMPILE.split(), "-o", str(folder / built.library.name), built.source.name]
        subprocess.run(command, cwd=built.source.parent, check=True)


def runtime() -> str:
    """The sanitizers' own library, which a process must have from its start."""
    found = subprocess.check_output(["clang", "-print-file-name=libclang_rt.asan-x86_64.so"], text=True).strip()
    if not Path(found).is_absolute():
        sys.exit("clang is here without its sanitizers: apt-get install libclang-rt-14-dev, or that of your version")
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            preloaded = runtime()
            compiled_into(Path(folder))
        except FileNotFoundError:
            sys.exit("there is no clang: apt-get install clang libclang-rt-14-dev")
        deselected = [f"--deselect={test}" for test in OF_THE_LIBRARY_ITSELF]
        pytest = [sys.executable, "-m", "pytest", "-p", "scripts.sanitize_kernels", "--capture=no", "-q", *deselected]
        environment = os.environ | OPTIONS | {FOLDER: folder, "LD_PRELOAD": preloaded}
        sys.exit(subprocess.run([*pytest, *TESTS], env=environment, check=False).returncode)


if __name__ == "__main__":
    main()

"""Compiles the loops of `service/kernels/`, to the same bytes on every machine, and writes down their checksums.

  make kernels            compiles, and writes the checksums into provenance.md and the files that load the libraries
  make kernels CHECK=1    compiles, and exits with 1 where a library in the repository is another one

Needs the compiler that PyPI has as `ziglang`, in the version that pyproject.toml names: `make kernels` brings it.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

KERNELS = Path(__file__).resolve().parents[1] / "service" / "kernels"
PROVENANCE = KERNELS / "provenance.md"


class Built(NamedTuple):
    """What is compiled of what, and the file that loads it."""

    source: Path
    library: Path
    loader: Path


ROOMS = KERNELS / "source"
"""What `kernels.c` and `winograd.c` include."""

ALL = (
    Built(KERNELS / "kernels.c", KERNELS / "linux-x86_64.so", KERNELS / "library.py"),
    Built(KERNELS / "winograd.c", KERNELS / "winograd-linux-x86_64.so", KERNELS / "steps.py"),
)

COMPILE = (
    "cc -target x86_64-linux-musl -mcpu=x86_64_v3 -O3 -std=c11 -Wall -Wextra -Werror -ffreestanding -fno-builtin "
    "-fno-sanitize=all -fassociative-math -fno-signed-zeros -fno-trapping-math -fno-math-errno -ffp-contract=fast "
    "-fPIC -fvisibility=hidden -g0 -c"
)
"""Sums may be added up in another order, for vectors; NaN and infinity stay what they are. Nothing of a C library."""

LINK = "ld.lld -shared --gc-sections --strip-all --build-id=none -z noexecstack"


def build(source: Path, library: Path) -> None:
    """Raises CalledProcessError where the compiler is not there, or not content."""
    zig = [sys.executable, "-m", "ziglang"]
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder, "kernels.o")
        subprocess.run([*zig, *COMPILE.split(), "-o", str(compiled), source.name], cwd=source.parent, check=True)
        subprocess.run([*zig, *LINK.split(), "-o", str(library), compiled.name], cwd=folder, check=True)


def write_down(built: Built) -> None:
    for file in (built.source, built.library, *ROOMS.iterdir()):
        _put(PROVENANCE, f"`{file.relative_to(KERNELS)}`: ", file)
    _put(built.loader, 'LIBRARY_SHA256 = "', built.library)


def _put(into: Path, after: str, file: Path) -> None:
    """The checksum of `file`, in the place of the one that stands after this."""
    digest, text = hashlib.sha256(file.read_bytes()).hexdigest(), into.read_text(encoding="utf-8")
    into.write_text(re.sub(rf"({re.escape(after)})[0-9a-f]{{64}}", rf"\g<1>{digest}", text), encoding="utf-8")


def is_what_the_source_compiles_to(built: Built) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder, built.library.name)
        build(built.source, again)
        return again.read_bytes() == built.library.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    if parser.parse_args().check:
        others = [built.library.name for built in ALL if not is_what_the_source_compiles_to(built)]
        sys.exit(f"not what the source compiles to: {', '.join(others)}" if others else 0)
    for built in ALL:
        build(built.source, built.library)
        write_down(built)


if __name__ == "__main__":
    main()

"""Weights in 8 bits, to carry them to a machine without a network: a quarter of the size, widened again there.

Each output channel of a matrix or a convolution has a scale of its own; what has one axis stays as it is. This is for
travelling, not for computing: a widened file has other bytes than its card says, so it goes into a store of its own,
whose card has its checksum.
"""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from benchmarks.harness.command import argument_parser
from service.cli.console import say
from service.models.store.int8_ranges import FILE as RANGES
from service.models.store.store import sha256_of
from service.settings import read_settings

Array = NDArray[Any]
Tensors = Mapping[str, Array]

LARGEST = 127
SCALE = ".scale"
WEIGHTS = "model.safetensors"
PACKED = ".8bit.safetensors"
NOTHING_TO_DO = 2

EPILOG = """\
examples:
  python -m benchmarks.speed.packed_weights pack model_store/u2net/model.safetensors wheels/u2net.8bit.safetensors
  python -m benchmarks.speed.packed_weights store wheels /tmp/store    a model store of what is there, packed or not
"""


def pack(tensors: Tensors) -> dict[str, Array]:
    """float32 of two axes and more becomes int8, beside its scales."""
    packed: dict[str, Array] = {}
    for name, values in tensors.items():
        if values.ndim < 2 or values.dtype != np.float32:
            packed[name] = values
            continue
        largest = np.abs(values).reshape(len(values), -1).max(axis=1)
        scale = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
        packed[name] = np.rint(values / _along(scale, values.ndim)).astype(np.int8)
        packed[name + SCALE] = scale
    return packed


def widen(packed: Tensors) -> dict[str, Array]:
    """float32 again, within half a step of what was packed."""
    names = [name for name in packed if not name.endswith(SCALE)]
    return {name: _widened(packed[name], packed.get(name + SCALE)) for name in names}


def _widened(values: Array, scale: Array | None) -> Array:
    return values if scale is None else values.astype(np.float32) * _along(scale, values.ndim).astype(np.float32)


def _along(scale: Array, axes: int) -> Array:
    return scale.reshape(-1, *[1] * (axes - 1))


def make_store(packed: Path, store: Path) -> list[str]:
    """Fills the folder `store` with the cards and weights of all models that are pulled, or lie in `packed`."""
    found = []
    for card in sorted(read_settings().model_store.glob("*/card.toml")):
        name = card.parent.name
        pulled, narrow = card.parent / WEIGHTS, packed / f"{name}{PACKED}"
        if not (pulled.is_file() or narrow.is_file()):
            continue
        # Ranges for 8 bits are of the weights that were measured, and a service does not start with those of others.
        others = [WEIGHTS] if pulled.is_file() else [WEIGHTS, RANGES]
        shutil.copytree(card.parent, store / name, ignore=shutil.ignore_patterns(*others))
        weights = store / name / WEIGHTS
        if pulled.is_file():
            weights.symlink_to(pulled.resolve())
        else:
            save_file(widen(load_file(narrow)), weights)
            _set_checksum(store / name / card.name, sha256_of(weights))
        found.append(name)
    return found


def _set_checksum(card: Path, sha256: str) -> None:
    text = card.read_text(encoding="utf-8")
    card.write_text(re.sub(r'(\[converted\]\s*sha256 = )"[0-9a-f]+"', rf'\g<1>"{sha256}"', text), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """`store` exits with 2 where there is not one model."""
    parser = argument_parser(__doc__, EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (("pack", "to 8 bits"), ("store", "a model store of pulled and packed weights")):
        command = commands.add_parser(name, help=what)
        command.add_argument("source", type=Path)
        command.add_argument("target", type=Path)
    chosen = parser.parse_args(arguments)
    if chosen.command == "pack":
        save_file(pack(load_file(chosen.source)), chosen.target)
        say(f"{chosen.target}: {chosen.target.stat().st_size / 1e6:.0f} MB")
        return
    found = make_store(chosen.source, chosen.target)
    say(f"models: {', '.join(found) or 'none'}")
    sys.exit(0 if found else NOTHING_TO_DO)


if __name__ == "__main__":
    main()

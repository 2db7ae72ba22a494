"""Which number format each model computes in: what the operator says, else what its card prefers and the CPU can."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from service.configuration_errors import ConfigurationError
from service.kernels.library import cpu_flags
from service.models.engines.compiled import is_installed
from service.models.store import Checkpoint
from service.models.store.card import ONNX, Precision

INT8_INSTRUCTIONS = frozenset({"avx2", "avx512_vnni", "avx_vnni"})
"""u2net takes 0.47 of its time in fp32 with AVX2 alone, see docs/performance.md; what has VNNI has AVX2 as well."""

BF16_INSTRUCTIONS = frozenset({"amx_bf16", "avx512_bf16"})
"""Without these OpenVINO computes in fp32 when it is asked for bf16."""

EVERY_MODEL = "*"


def on_cuda(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Half precision, whatever is preferred on a CPU; ONNX graphs compute as they were published."""
    return [_in(checkpoint, "fp32" if checkpoint.card.family == ONNX else "fp16") for checkpoint in checkpoints]


def on_cpu(checkpoints: Sequence[Checkpoint], setting: str, flags: frozenset[str]) -> list[Checkpoint]:
    """Each in the precision that `setting` names for it, see `Settings.precision`. `flags` is what the processor
    can do and the engine makes use of.

    Raises ConfigurationError where what is asked for cannot be.
    """
    wanted = _parse(setting)
    if "int8" in wanted.values() and not flags & INT8_INSTRUCTIONS:
        raise ConfigurationError("SILHOUETTE_PRECISION: int8 needs OpenVINO and a CPU with AVX2; set auto or fp32")
    if "bf16" in wanted.values() and not flags & BF16_INSTRUCTIONS:
        raise ConfigurationError(
            "SILHOUETTE_PRECISION: bf16 needs OpenVINO and a CPU with AMX or AVX512-BF16; set auto or fp32"
        )
    return [_in(checkpoint, _choose(checkpoint, wanted, flags)) for checkpoint in checkpoints]


def check_names(setting: str, known: Container[str]) -> None:
    """Raises ConfigurationError for a model that is not `known`. One that is may be loaded later."""
    if unknown := [name for name in _parse(setting) if name != EVERY_MODEL and name not in known]:
        raise ConfigurationError(f"SILHOUETTE_PRECISION names models that have no card: {', '.join(sorted(unknown))}")


def _parse(setting: str) -> Mapping[str, str]:
    """`int8` -> {"*": "int8"}; `u2net=int8,selfie=fp32` -> {"u2net": "int8", "selfie": "fp32"}."""
    if "=" not in setting:
        return {EVERY_MODEL: setting}
    return dict(entry.strip().split("=") for entry in setting.split(","))


def _choose(checkpoint: Checkpoint, wanted: Mapping[str, str], flags: frozenset[str]) -> Precision:
    name, is_calibrated = checkpoint.card.name, checkpoint.int8_ranges is not None
    if wanted.get(name) == "int8" and not is_calibrated:
        raise ConfigurationError(f"{name} was never calibrated for int8: run `silhouette models quantize {name}`")
    precision = wanted.get(name, wanted.get(EVERY_MODEL, "auto"))
    if precision == "auto":
        precision = checkpoint.card.precision if flags & INT8_INSTRUCTIONS else "fp32"
    if precision == "int8" and is_calibrated:
        return "int8+bf16" if flags & BF16_INSTRUCTIONS else "int8"
    return "bf16" if precision == "bf16" else "fp32"


def _in(checkpoint: Checkpoint, precision: Precision) -> Checkpoint:
    return replace(checkpoint, card=checkpoint.card.model_copy(update={"precision": precision}))


def usable_cpu_flags() -> frozenset[str]:
    """What the processor can do for networks: nothing but fp32 where OpenVINO cannot be installed, as torch computes
    them then.
    """
    return cpu_flags() if is_installed() else frozenset()

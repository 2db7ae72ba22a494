"""One network compiled by OpenVINO for the CPU of this process.

Where OpenVINO has no wheel (musl, macOS on Intel) nothing here can be used: ask `is_installed` first.
"""

import functools
import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.models.store.card import Precision

if TYPE_CHECKING:
    import openvino

REST_PRECISION: Mapping[Precision, str] = {"fp32": "f32", "bf16": "bf16", "int8": "f32", "int8+bf16": "bf16"}
"""What is computed in where the graph itself does not say eight bits. Always named: left out, OpenVINO takes bfloat16
on processors that have it and float16 on ARM, and the same picture gets another answer on another machine. Asked for
bfloat16 on a processor without it, it takes float32: whoever asks must know."""


@functools.cache
def is_installed() -> bool:
    """False where torch has to do."""
    return importlib.util.find_spec("openvino") is not None


class CompiledNetwork:
    """A network with one input, for one thing at a time: (1, ...) in, (1, ...) out, both of fixed shape.

    `threads` compute it when they have nothing else to do, and are not tied to cores: compiled for two of them while a
    second process kept both cores busy, u2net took 1.02 times the CPU time that it takes on one thread (AMD EPYC of 2
    cores, 2026-11-28). So nobody has to say how many are free. A process that has compiled one must not fork.
    """

    def __init__(self, model: "openvino.Model", threads: int, precision: Precision) -> None:
        """Takes the constants of `model` as they are, and does not need it any more.

        Raises RuntimeError, in OpenVINO's words, for what it cannot compile: a shape that is not fixed among them.
        """
        self._compiled = compiled(model, threads, precision)
        self._request = self._compiled.create_infer_request()

    @property
    def settings(self) -> Mapping[str, Any]:
        """What OpenVINO made of the settings, by their names."""
        return {name: self._compiled.get_property(name) for name in _settings(1, "fp32")}

    def infer(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """(N, ...) in the input's own type -> (N, ...), the caller's own.

        One after the other: batches of 4 were measured at 0.78 times the speed of single images on a CPU, and memory
        does not depend on N.
        """
        return np.concatenate([self._infer_one(single[np.newaxis]) for single in batch])

    def _infer_one(self, single: NDArray[Any]) -> NDArray[np.float32]:
        """Valid on its own: the memory that it was computed in is written by the next."""
        results = self._request.infer([np.ascontiguousarray(single)], share_inputs=True, share_outputs=True)
        return np.array(results[0], np.float32)


def compiled(model: "openvino.Model", threads: int, precision: Precision, streams: int = 1) -> "openvino.CompiledModel":
    """For the CPU; on all of its cores with 0 threads, which all streams share.

    Raises RuntimeError for what OpenVINO cannot compile.
    """
    from service.models.engines.library import ov

    return ov.Core().compile_model(model, "CPU", _settings(threads, precision, streams))


def _settings(threads: int, precision: Precision, streams: int = 1) -> dict[str, Any]:
    return {
        "INFERENCE_PRECISION_HINT": REST_PRECISION[precision],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,  # each process would choose the same cores
    }

"""A network as OpenVINO computes it."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from service.models.engines.compiled import CompiledNetwork
from service.models.engines.library import opset, ov
from service.models.store.card import Precision

SCALE = np.linspace(-1, 1, 2 * 3, dtype=np.float32).reshape(2, 3, 1, 1)


def one_convolution(*shape: int) -> ov.Model:
    """(1, 3, h, w) -> (1, 2, h, w): two mixtures of the three planes, cut off at 0."""
    planes = opset.parameter(list(shape), np.float32)
    mixed = opset.convolution(planes, opset.constant(SCALE), [1, 1], [0, 0], [0, 0], [1, 1])
    return ov.Model([opset.relu(mixed)], [planes], "mixture")


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def mixed(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    mixture: NDArray[np.float32] = np.einsum("oc,nchw->nohw", SCALE[:, :, 0, 0], batch).clip(min=0)
    return mixture


@pytest.mark.parametrize("threads", [1, 2])
def test_each_of_a_batch_gets_its_own_answer(threads: int) -> None:
    batch = noise(3, 3, 16, 24)
    network = CompiledNetwork(one_convolution(1, 3, 16, 24), threads, "fp32")
    np.testing.assert_allclose(network.infer(batch), mixed(batch), atol=1e-5)


def test_an_answer_does_not_change_when_the_next_is_computed() -> None:
    network = CompiledNetwork(one_convolution(1, 3, 8, 8), 1, "fp32")
    batch = noise(2, 3, 8, 8)
    first = network.infer(batch[:1])
    before = first.copy()
    network.infer(batch[1:])
    np.testing.assert_array_equal(first, before)


def test_an_input_that_is_a_view_is_read_as_it_looks() -> None:
    network = CompiledNetwork(one_convolution(1, 3, 8, 8), 1, "fp32")
    turned = noise(1, 8, 8, 3).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(network.infer(turned), mixed(turned), atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_precision_is_named_whatever_the_processor_prefers(precision: Precision) -> None:
    settings = CompiledNetwork(one_convolution(1, 3, 8, 8), 1, precision).settings
    assert settings["INFERENCE_PRECISION_HINT"] == ov.Type.f32
    assert settings["INFERENCE_NUM_THREADS"] == 1
    assert settings["ENABLE_CPU_PINNING"] is False


def test_openvino_is_imported_without_the_package_that_reports_its_use() -> None:
    """In a process that has not imported it yet. It would start a thread, which sends."""
    seen = "import sys, threading, service.models.engines.library; print(sys.modules['openvino_telemetry'], "
    seen += "[thread.name for thread in threading.enumerate()])"
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout
    assert told == "None ['MainThread']\n"

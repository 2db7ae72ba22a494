"""How many workers a machine gets, with how many threads, on which devices."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.configuration_errors import DeviceNotFound
from service.settings import read_settings
from service.workers.machine import available_cores
from service.workers.plan import (
    CPU_WORKERS,
    WORKER_BYTES,
    WorkerPlan,
    count_cuda_devices,
    most_cpu_workers,
    plan_workers,
)


def plans(**settings: Any) -> list[WorkerPlan]:
    return plan_workers(read_settings(**{"device": "cpu", **settings}), [])


def test_a_cpu_has_one_worker_of_one_thread_per_core() -> None:
    cores = available_cores()
    made = plans()
    assert len(made) == min(cores, most_cpu_workers())
    assert {plan.device for plan in made} == {"cpu"}
    assert {plan.threads for plan in made} == {max(1, cores // len(made))}
    assert {plan.max_batch_size for plan in made} == {1}


def test_the_cores_are_shared_among_the_workers_that_are_asked_for() -> None:
    assert [plan.threads for plan in plans(workers=1)] == [available_cores()]


def test_a_lone_worker_uses_every_core_and_busy_ones_share_them() -> None:
    plan = WorkerPlan("cpu", threads=2, most_threads=8, max_batch_size=1, models=[])
    assert [plan.threads_beside(others) for others in (0, 1, 2, 3, 30)] == [8, 4, 2, 2, 2]


def test_threads_that_are_asked_for_stay_as_they_are() -> None:
    assert {plan.threads_beside(others) for plan in plans(threads_per_worker=3) for others in (0, 5)} == {3}


def test_a_worker_has_a_thread_where_there_are_more_workers_than_cores() -> None:
    made = plans(workers=available_cores() + 3)
    assert len(made) == available_cores() + 3
    assert {plan.threads for plan in made} == {1}


def test_threads_that_are_asked_for_leave_fewer_workers() -> None:
    made = plans(threads_per_worker=available_cores())
    assert [plan.threads for plan in made] == [available_cores()]


@given(workers=st.integers(1, 32) | st.none(), threads=st.integers(1, 32) | st.none())
def test_what_is_asked_for_is_what_one_gets(workers: int | None, threads: int | None) -> None:
    made = plans(workers=workers, threads_per_worker=threads)
    assert made
    if workers is not None:
        assert len(made) == workers
    if threads is not None:
        assert {plan.threads for plan in made} == {threads}


def test_the_batch_size_that_is_asked_for_holds_on_a_cpu_too() -> None:
    assert {plan.max_batch_size for plan in plans(max_batch_size=5)} == {5}


@given(memory_bytes=st.integers(0, 2**43))
def test_workers_beyond_eight_take_at_most_half_of_the_memory(memory_bytes: int) -> None:
    most = most_cpu_workers(memory_bytes)
    assert most == CPU_WORKERS or most * WORKER_BYTES <= memory_bytes / 2


@pytest.mark.parametrize(("memory_gb", "expected"), [(1, 8), (8, 8), (32, 20), (256, 160)])
def test_a_machine_with_more_memory_has_more_workers(memory_gb: int, expected: int) -> None:
    assert most_cpu_workers(memory_gb * 1_000_000_000) == expected


# --- devices ----------------------------------------------------------------------------------------------------------


without_a_driver = pytest.mark.skipif(
    Path("/proc/driver/nvidia/version").exists(), reason="this machine may have CUDA devices"
)
"""Torch itself is asked often enough by what is tested: each time takes a new process seconds."""


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=without_a_driver), "cuda:97"])
def test_a_device_that_is_not_there_is_named_in_one_line(device: str) -> None:
    with pytest.raises(DeviceNotFound, match=rf"SILHOUETTE_DEVICE={device}\b.*cpu") as failed:
        plans(device=device)
    assert len(str(failed.value).splitlines()) == 1


@without_a_driver
def test_auto_is_the_cpu_where_there_is_no_cuda() -> None:
    assert {plan.device for plan in plans(device="auto")} == {"cpu"}


def test_a_driver_that_hangs_is_not_waited_for_for_ever() -> None:
    with pytest.raises(DeviceNotFound, match=r"did not say within 0\.2 s"):
        count_cuda_devices("import threading; threading.Event().wait()", timeout_s=0.2)


def test_a_torch_that_does_not_load_is_said_to_be_so() -> None:
    with pytest.raises(DeviceNotFound, match="cannot say which CUDA devices"):
        count_cuda_devices("raise ImportError")

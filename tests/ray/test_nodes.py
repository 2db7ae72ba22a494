"""A node of Ray ends with whoever started it, however that ends."""

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.ray.test_replicas import until

if importlib.util.find_spec("ray") is None:
    pytest.skip("the extra `ray` is not installed", allow_module_level=True)

pytestmark = pytest.mark.alone

STARTER = """
import os, signal
from service.workers.ray.node import free_ports, start_head
node = start_head(os.environ, *free_ports(1), "--num-cpus=1", "--object-store-memory=100000000")
print(node.pid, node.folder, flush=True)
signal.pause()
"""


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_of_a_node_whose_starter_is_killed_neither_process_nor_file_is_left() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        processes = psutil.Process(int(pid)).children(recursive=True)
        starter.send_signal(signal.SIGKILL)
    assert len(processes) >= len(("ray start", "gcs_server", "raylet"))
    until(lambda: not any(is_alive(process) for process in processes), "the end of its processes")
    until(lambda: not Path(folder).exists(), "the end of its folder")

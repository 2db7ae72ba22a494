"""What pixels and scores cross in is not taken from /dev/shm, of which a container has 64 MB unless told otherwise."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.fakes import make_store
from tests.pictures import encoded, painted
from tests.system.loading import Call, tiny_command, tiny_environment, told_of
from tests.system.serving import running

TINY_SHM = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"', "sh")
"""Runs what follows with a /dev/shm of 64 kB of its own."""

IMAGES = 50
"""A batch of so many takes a megabyte, with the tiny network."""


def can_mount() -> bool:
    try:
        return subprocess.run([*TINY_SHM, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(os.name != "posix" or not can_mount(), reason="needs the right to mount")
def test_a_service_with_next_to_no_dev_shm_answers_whole_batches(tmp_path: Path) -> None:
    settings = {"MAX_BATCH_SIZE": str(IMAGES), "MAX_QUEUE_DELAY_MS": "60000", "WORKERS": "1"}
    environment = tiny_environment(
        make_store(tmp_path), **{f"SILHOUETTE_{name}": value for name, value in settings.items()}
    )
    with running([*TINY_SHM, *tiny_command()], environment) as server:
        calls = [Call(server, "/segment", encoded(painted())) for _ in range(IMAGES)]
        answers = [call.answer() for call in calls]
        assert [answer.code for answer in answers] == ["ok"] * IMAGES
        assert {line["batch_size"] for line in told_of(server, calls)} == {IMAGES}

"""The port and the folder of jobs that several fronts share, and nobody else."""

import socket
from pathlib import Path

import pytest

from service.cli.fronts import folder_of_jobs, reserved
from service.configuration_errors import CannotListen, ConfigurationError
from service.settings import read_settings


def test_a_port_that_somebody_has_is_not_shared_with_them() -> None:
    with reserved("127.0.0.1", 0) as listener:
        listener.listen()
        with pytest.raises(CannotListen, match="in use"), reserved("127.0.0.1", listener.getsockname()[1]):
            pass


def test_a_port_stays_ours_as_long_as_there_are_fronts() -> None:
    with reserved("127.0.0.1", 0) as listener, socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(listener.getsockname())


def test_no_other_service_has_the_jobs_of_the_fronts(tmp_path: Path) -> None:
    settings = read_settings(fronts=2, jobs_folder=tmp_path)
    with folder_of_jobs(settings) as folder:
        assert folder == tmp_path
        with pytest.raises(ConfigurationError, match="another service"), folder_of_jobs(settings):
            pass
    with folder_of_jobs(settings):
        pass


def test_fronts_without_a_folder_of_jobs_have_one_that_goes_with_them() -> None:
    with folder_of_jobs(read_settings(fronts=2)) as folder:
        assert folder is not None
        assert (folder / "jobs.sqlite").exists()
    assert not folder.exists()

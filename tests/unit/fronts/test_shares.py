"""What a front may have."""

import pytest

from service.configuration_errors import ConfigurationError
from service.fronts.shares import SHARED_OUT, settings_of_a_front
from service.settings import read_settings


def test_fronts_together_have_what_one_would_have() -> None:
    settings = read_settings(fronts=4)
    share = settings_of_a_front(settings, cores=8)
    for name in SHARED_OUT:
        assert 4 * getattr(share, name) == getattr(settings, name), name


def test_each_may_have_one_where_there_are_fewer_than_fronts_and_none_where_there_are_none() -> None:
    share = settings_of_a_front(read_settings(fronts=4, queue_capacity=2, max_sessions=0), cores=8)
    assert (share.queue_capacity, share.max_sessions) == (1, 0)


@pytest.mark.parametrize(("cores", "chosen", "threads"), [(8, None, 4), (1, None, 1), (8, 3, 2)])
def test_pixel_threads_are_shared_out_as_well(cores: int, chosen: int | None, threads: int) -> None:
    settings = read_settings(fronts=2, pixel_threads=chosen)
    assert settings_of_a_front(settings, cores).pixel_threads == threads


def test_what_one_process_alone_can_do_takes_one_front() -> None:
    with pytest.raises(ConfigurationError, match="takes SILHOUETTE_FRONTS=1"):
        read_settings(fronts=2, model_idle_s=60)

"""Where the service listens, and what is said where it cannot."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from service.cli.listening import bound_to_all, bound_to_one
from service.configuration_errors import CannotListen

Bind = Callable[[str, int], object]


def test_a_host_is_listened_on_at_each_of_its_addresses() -> None:
    known = {address[0] for *_, address in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    with ExitStack() as stack:
        listeners = [stack.enter_context(each) for each in bound_to_all("localhost", 0)]
        assert "127.0.0.1" in {listener.getsockname()[0] for listener in listeners} <= known


@pytest.mark.parametrize("bind", [bound_to_all, bound_to_one])
@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("192.0.2.1", "no address of this machine; SILHOUETTE_HOST"),  # of RFC 5737, which nobody has
        ("nobody.invalid", "no address is known for 'nobody.invalid'"),
    ],
)
def test_a_host_that_is_not_this_machine_is_refused_with_its_setting(bind: Bind, host: str, said: str) -> None:
    with pytest.raises(CannotListen, match=said):
        bind(host, 0)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may listen on any port")
def test_a_port_for_root_alone_is_refused_with_one_for_everybody() -> None:
    with pytest.raises(CannotListen, match="may not listen on port 80; from 1024 on"):
        bound_to_one("127.0.0.1", 80)

"""Which addresses a stranger may have this machine connect to."""

from ipaddress import ip_address, ip_network

import pytest

from service.fetch.addresses import is_public, may_be_reached


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
        *(
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.251",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
        ),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::808:808"),
        *("64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1"),
        *("3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1"),
    ],
)
def test_what_not_everybody_reaches_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.255"),
        *("2001:200::1", "2606:4700:4700::1111", "2a00:1450:4001::1", "3ffe::1"),
    ],
)
def test_what_everybody_reaches_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_network_that_the_operator_has_opened_is_reached_and_its_neighbours_are_not() -> None:
    opened = [ip_network("10.1.2.0/24"), ip_network("fd00:1::/32")]
    assert all(may_be_reached(ip_address(address), opened) for address in ("10.1.2.3", "fd00:1::5", "8.8.8.8"))
    assert not any(may_be_reached(ip_address(address), opened) for address in ("10.1.3.3", "fd00:2::5", "127.0.0.1"))

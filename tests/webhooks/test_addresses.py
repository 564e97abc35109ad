"""Which addresses webhooks may be sent to."""

from ipaddress import ip_network

import pytest

from webhooks.sending.addresses import is_allowed

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::127.0.0.1"),
    *(
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "2001:0:7f00:1::",
        "::ffff:0:127.0.0.1",
    ),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_this_machine_or_its_network_is_allowed(address: str) -> None:
    assert not is_allowed(address, [])


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, [])


@pytest.mark.parametrize("address", ["", "localhost", "1.1.1", "1.1.1.1:80"])
def test_what_is_no_address_is_not_allowed(address: str) -> None:
    assert not is_allowed(address, [ip_network("0.0.0.0/0")])


@pytest.mark.parametrize(
    ("network", "address", "allowed"),
    [
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "::ffff:10.1.2.3", True),
        ("10.1.0.0/16", "10.2.0.1", False),
        ("10.1.0.0/16", "64:ff9b::10.1.2.3", False),
        ("::1/128", "::1", True),
        ("::1/128", "127.0.0.1", False),
        ("fd00::/8", "fd12::1", True),
    ],
)
def test_the_operator_allows_networks(network: str, address: str, allowed: bool) -> None:
    assert is_allowed(address, [ip_network(network)]) is allowed

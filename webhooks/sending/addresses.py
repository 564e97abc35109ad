"""Addresses that requests for webhooks may go to: public ones, and those of networks that the operator allows.

Customers choose the address of a webhook. None must reach, by a number, a name, a redirect or a name that is resolved
anew, what only this machine and its network can: CouchDB, a cloud's metadata service, routers.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_IPV4_IN_IPV6 = tuple(
    (ipaddress.ip_network(network), offset)
    for network, offset in (
        ("::ffff:0:0:0/96", 0),  # IPv4-translated
        ("::/96", 0),  # IPv4-compatible
        ("64:ff9b::/96", 0),  # NAT64
        ("64:ff9b:1::/48", 0),  # NAT64 of a local network
        ("2002::/16", 80),  # 6to4
    )
)
"""Networks of IPv6 whose addresses hold one of IPv4, and how many bits follow it there."""


def is_allowed(text: str, allowed_networks: Sequence[Network]) -> bool:
    """Whether a request may go to a numeric address."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in allowed_networks):
        return True
    return all(_is_public(form) for form in (address, *_held_addresses(address)))


def _held_addresses(address: Address) -> Iterator[Address]:
    """Yield the addresses of IPv4 to which a gateway may send what goes to an address of IPv6."""
    if isinstance(address, IPv4Address):
        return
    for network, offset in _IPV4_IN_IPV6:
        if address in network:
            yield IPv4Address(int(address) >> offset & 0xFFFFFFFF)
    yield from address.teredo or ()


def _is_public(address: Address) -> bool:
    # `is_global` alone has gaps: multicast, and what later versions of Python have added to it.
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    is_local = address.is_private or address.is_link_local
    if isinstance(address, IPv6Address):
        is_local = is_local or address.is_site_local
    return address.is_global and not is_special and not is_local

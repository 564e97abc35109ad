"""The networks that a key may be used from."""

import ipaddress
from collections.abc import Sequence

from crossbar.errors import ValidationFailed


def check(networks: Sequence[str]) -> None:
    """Raise ValidationFailed for what is no address and no network such as ``192.0.2.0/24``."""
    for index, text in enumerate(networks):
        try:
            ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            message = "Must be an address, or a network such as 192.0.2.0/24 or 2001:db8::/32"
            raise ValidationFailed.field(f"networks.{index}", "network", message, value=text) from None


def contain(networks: Sequence[str], address: str) -> bool:
    """Whether a client's address is in one of the networks, or anything is as there are none."""
    if not networks:
        return True
    client = _parse_address(address)
    return client is not None and any(_is_in(client, text) for text in networks)


def _is_in(client: ipaddress.IPv4Address | ipaddress.IPv6Address, text: str) -> bool:
    try:
        return client in ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:  # something else than this service stored it
        return False


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    host = text.strip()
    if host.startswith("["):  # some proxies add the port
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address

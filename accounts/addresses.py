"""Addresses of clients, as a server or a proxy in front states them."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """Return the address of a client, without a port; IPv4 within IPv6 as IPv4. None for what is no address."""
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

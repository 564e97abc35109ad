"""The networks that a key may be used from."""

import ipaddress
from collections.abc import Sequence

from accounts.addresses import Address, parse_address
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
    client = parse_address(address)
    return client is not None and any(_is_in(client, text) for text in networks)


def _is_in(client: Address, text: str) -> bool:
    try:
        return client in ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:  # something else than this service stored it
        return False

"""Whether an IP address is one of the public internet.

`ipaddress.is_global` alone is not enough: it lets multicast, addresses of IPv4 inside IPv6 and
networks pass that were assigned later, and it changes between patch releases of Python.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_REFUSED_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # The host of virtual machines in Azure. It answers inside of these only.
        "168.63.129.16/32",
    )
]  # fmt: skip
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = [
    IPv6Network(network)
    for network in (
        # Protocol assignments (Teredo, benchmarks, ORCHID), documentation, 6to4, segment routing.
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b:1::/48",
    )
]  # fmt: skip
# Networks whose last 32 bits are an IPv4 address: mapped, compatible, and that of NAT64.
_HOLDS_V4 = [IPv6Network(network) for network in ("::ffff:0:0/96", "::/96", "64:ff9b::/96")]


def is_public(text: str) -> bool:
    """Return whether a text is the address of one host on the public internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if any(address in network for network in _HOLDS_V4):
            return _is_public_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in _GLOBAL_V6 or any(address in network for network in _REFUSED_V6):
            return False
        return _is_public(address)
    return _is_public_v4(address)


def is_loopback(text: str) -> bool:
    """Return whether a text is an address of this machine itself."""
    try:
        return "%" not in text and ip_address(text).is_loopback
    except ValueError:
        return False


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _REFUSED_V4) and _is_public(address)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )

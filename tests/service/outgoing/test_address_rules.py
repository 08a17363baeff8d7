"""Only addresses of the public internet pass, in every way to write another one."""

from ipaddress import ip_address

import pytest

from service.outgoing.address_rules import is_loopback, is_public

PUBLIC = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"]
EMBEDDED = ["::ffff:{}", "::{}", "64:ff9b::{}"]
V4 = {
    "this network": "0.0.0.0",
    "private 10": "10.0.0.1",
    "private 172": "172.31.255.254",
    "private 192": "192.168.1.1",
    "shared": "100.64.0.1",
    "metadata of Alibaba": "100.100.100.200",
    "loopback": "127.0.0.1",
    "loopback further up": "127.255.255.254",
    "metadata": "169.254.169.254",
    "protocols": "192.0.0.8",
    "documentation 1": "192.0.2.1",
    "documentation 2": "198.51.100.7",
    "documentation 3": "203.0.113.7",
    "6to4 relay": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "host of Azure": "168.63.129.16",
}
V6 = {
    "unspecified": "::",
    "loopback": "::1",
    "translated": "::ffff:0:127.0.0.1",
    "local NAT64": "64:ff9b:1::a00:1",
    "6to4": "2002:7f00:1::",
    "6to4 of a public address": "2002:5db8:d822::1",
    "Teredo": "2001::1",
    "benchmarks": "2001:2::1",
    "ORCHID": "2001:20::1",
    "documentation": "2001:db8::1",
    "documentation since 2024": "3fff::1",
    "segments": "5f00::1",
    "site": "fec0::1",
    "link": "fe80::1",
    "unique local": "fd00:ec2::254",
    "multicast": "ff02::1",
    "discard": "100::1",
    "a scope": "2606:4700::1111%eth0",
    "not assigned": "4000::1",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address: str) -> None:
    assert is_public(address) and ip_address(address).is_global


@pytest.mark.parametrize("address", V4.values(), ids=V4)
def test_other_addresses_of_ipv4_do_not_also_inside_of_ipv6(address: str) -> None:
    assert not is_public(address)
    for form in EMBEDDED:
        assert ip_address(form.format(address)) and not is_public(form.format(address))


@pytest.mark.parametrize("form", EMBEDDED)
def test_a_public_address_inside_of_ipv6_passes(form: str) -> None:
    assert is_public(form.format("93.184.216.34"))


@pytest.mark.parametrize("address", V6.values(), ids=V6)
def test_other_addresses_of_ipv6_do_not(address: str) -> None:
    assert ip_address(address) and not is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "2130706433", "127.1", "0177.0.0.1", "0x7f.1"])
def test_what_is_no_address_does_not(text: str) -> None:
    assert not is_public(text) and not is_loopback(text)


def test_this_machine_is_recognized() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("127.8.8.8")
    assert not is_loopback("::1%lo") and not is_loopback("128.0.0.1")

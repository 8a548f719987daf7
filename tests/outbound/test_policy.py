"""Which addresses and URLs may be asked: the table of the address policy, and its properties."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.outbound.test_url import wide
from trackside.errors import ConfigurationError
from trackside.outbound.policy import DENIED_V4, METADATA, OPEN, PRIVATE, AddressPolicy

STRICT = AddressPolicy()
PRIVATE_TOO = AddressPolicy(allow_private_networks=True)

REFUSED_ADDRESSES = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.1.1"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1"),
    *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
    *("240.0.0.1", "255.255.255.255"),
    # what clouds put there
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("fd00:ec2::254", "fd20:ce::254"),
    # an IPv4 address in disguise
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "::7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *("2001:0:7f00:1::", "::ffff:0:127.0.0.1"),
    # IPv6's own
    *(
        "::",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "2600::1%eth0",
        "fec0::1",
        "ff02::1",
    ),
    *("100::1", "2001:db8::1", "2001:20::1", "2001:2::1", "3fff::1", "5f00::1", "4000::1", "1fff::1"),
    # no address at all
    *(
        "",
        "example.org",
        "1.2.3",
        "2130706433",
        "0x7f.1",
        "127.1",
        "1.2.3.4.5",
        "1.2.3.04",
        "::g",
        "1.1.1.1 ",
    ),
)
GOOD_ADDRESSES = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255"),
    *("172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"),
    *("223.255.255.255", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::200e", "2001:200::1"),
    *("2003::1", "3ffe::1"),
)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert STRICT.why_not_address(address) is not None


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_what_is_public_is_good(address: str) -> None:
    assert STRICT.why_not_address(address) is None


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.3.4", "100.64.0.1", "::1", "fd12::1", "::ffff:10.0.0.1"],
)
def test_private_networks_can_be_allowed(address: str) -> None:
    assert PRIVATE_TOO.why_not_address(address) is None


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
        *("fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "0.0.0.0", "224.0.0.1", "fe80::1"),
    ],
)
def test_allowing_private_networks_does_not_open_the_cloud_s_own_addresses(address: str) -> None:
    assert PRIVATE_TOO.why_not_address(address) is not None
    assert AddressPolicy(allow=["crm.internal"]).why_not_address(address, "crm.internal") is not None


def test_an_allowed_network_is_good_whatever_it_is() -> None:
    policy = AddressPolicy(allow=["10.3.0.0/16", "169.254.169.254", "fd00:1::/32", "64:ff9b::/96"])
    good = ("10.3.9.9", "::ffff:10.3.9.9", "169.254.169.254", "fd00:1::5", "64:ff9b::808:808")
    assert [address for address in good if policy.why_not_address(address)] == []
    assert policy.why_not_address("10.4.0.1")
    assert policy.why_not_address("169.254.169.253")


def test_an_allowed_host_may_lead_into_private_networks_and_no_other_host_may() -> None:
    policy = AddressPolicy(allow=["CRM.Internal"])
    assert policy.why_not_address("10.0.0.7", "crm.internal") is None
    assert policy.why_not_address("10.0.0.7", "evil.example.org")
    assert policy.why_not_address("10.0.0.7", "x.crm.internal")
    assert policy.why_not_address("10.0.0.7")


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "http://crm.internal", "crm internal", "", "crm:80", "a/b"])
def test_what_cannot_be_allowed_is_told(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="is not to be allowed; want a network"):
        AddressPolicy(allow=[entry])


def test_an_operator_s_own_urls_may_lead_anywhere() -> None:
    assert OPEN.why_not_url("http://127.0.0.1:8000/") is None
    assert OPEN.why_not_address("fe80::1") is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/", "its address is not to be reached: it is not public"),
        ("https://10.0.0.1:8443/x", "its address is not to be reached: it is not public"),
        (
            "http://169.254.169.254/latest",
            "its address is not to be reached: it belongs to the machine's cloud",
        ),
        ("http://[::1]/", "its address is not to be reached: it is not public"),
        ("http://[::ffff:127.0.0.1]/", "its address is not to be reached: it is not public"),
        ("http://[64:ff9b::7f00:1]/", "its address is not to be reached: it is not public"),
        (f"http://{wide('127.0.0.1')}/", "its address is not to be reached: it is not public"),
        ("http://127.0.0.1./", "its address is not to be reached: it is not public"),
        ("http://localhost:8080/", "its host is this machine"),
        ("http://LOCALHOST./", "its host is this machine"),
        ("http://a.localhost/", "its host is this machine"),
        ("gopher://example.org/", "it is neither http nor https"),
    ],
)
def test_a_url_is_refused_for_the_address_in_it(url: str, reason: str) -> None:
    assert STRICT.why_not_url(url) == reason


def test_a_name_is_judged_when_it_is_dialled() -> None:
    assert STRICT.why_not_url("https://metadata.google.internal/") is None
    assert AddressPolicy(allow=["localhost"]).why_not_url("http://localhost:8080/") is None
    assert PRIVATE_TOO.why_not_url("http://127.0.0.1:8080/") is None


def test_other_ports_can_be_set() -> None:
    policy = AddressPolicy(ports=[443, 22])
    assert policy.why_not_url("https://example.org/") is None
    assert policy.why_not_url("https://example.org:22/") is None
    assert policy.why_not_url("http://example.org/") == "its port 80 is not one for HTTP"


@given(st.ip_addresses(v=4))
def test_every_good_ipv4_address_is_global_and_every_global_one_is_good_but_for_the_list(
    ip: IPv4Address,
) -> None:
    good = STRICT.why_not_address(ip) is None
    assert good == (STRICT.why_not_address(str(ip)) is None)
    assert good == (STRICT.why_not_address(IPv6Address(f"::ffff:{ip}")) is None)
    listed = any(ip in network for network in DENIED_V4) or ip in METADATA
    assert good == (not listed)
    if good:
        assert ip.is_global
        assert not ip.is_multicast
    if not good and ip.is_global and not ip.is_multicast:
        assert str(ip) == "168.63.129.16" or str(ip).startswith(("192.0.0.", "192.88.99."))


@given(st.ip_addresses(v=6))
def test_every_good_ipv6_address_is_global_unicast(ip: IPv6Address) -> None:
    if STRICT.why_not_address(ip) is None:
        assert ip.ipv4_mapped or int(ip) >> 125 == 1
        assert (ip.ipv4_mapped or ip).is_global
        assert not ip.is_multicast
        assert ip.sixtofour is None
        assert ip.teredo is None


@given(st.sampled_from([*DENIED_V4, *PRIVATE]).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_way_of_writing_a_denied_address_gets_it_through(ip: IPv4Address | IPv6Address) -> None:
    assert STRICT.why_not_address(ip)
    if isinstance(ip, IPv4Address):
        number = int(ip)
        for base in ("::ffff:0:0", "::", "64:ff9b::", "64:ff9b:1::"):
            assert STRICT.why_not_address(ipaddress.IPv6Address(base) + number), base
        assert STRICT.why_not_address(IPv6Address((0x2002 << 112) | (number << 80)))
        for host in (str(number), hex(number), f"0x{number >> 24:x}.{number & 0xFFFFFF}", f"0{number:o}"):
            assert STRICT.why_not_url(f"http://{host}/"), host


@given(st.text())
def test_text_that_is_no_address_is_refused(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        assert STRICT.why_not_address(text)


@given(st.ip_addresses(v=6), st.integers(0, 2**32 - 1))
def test_what_is_allowed_stays_good_when_it_is_not_alone(ip: IPv6Address, other: int) -> None:
    policy = AddressPolicy(allow=[f"{ip}/128", str(IPv4Address(other))])
    if not ip.ipv4_mapped:
        assert policy.why_not_address(ip) is None
    assert policy.why_not_address(IPv4Address(other)) is None

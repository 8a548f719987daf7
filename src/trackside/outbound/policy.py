"""Which addresses a request may go to, when somebody else chose the URL.

The decision is made on the concrete address at the moment of the connection: a name that was good a second ago can
lead elsewhere now. The same object answers when an endpoint is saved and when it is tried out.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from trackside.errors import ConfigurationError
from trackside.outbound.url import Target, ascii_host, parse_url

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

DENIED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; Alibaba's metadata is 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host; a public address
        "169.254.0.0/16",  # metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # Oracle's metadata is 192.0.0.192
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
ALLOWED_V6: Final = IPv6Network("2000::/3")
DENIED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo and other protocols' own
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
)
PRIVATE: Final[tuple[IpNetwork, ...]] = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("::1/128", "fc00::/7"),
    )
)
"""What `allow_private_networks` opens."""
METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        *("100.100.100.200", "168.63.129.16", "169.254.169.254", "192.0.0.192"),
        *("fd00:ec2::254", "fd20:ce::254"),  # Amazon's and Google's
    )
)
"""Who reaches these has the machine's own credentials; only an entry of `allow` for the address opens them."""


class AddressPolicy:
    """Answers whether an address or a URL may be asked, and by which rule not.

    `allow` names networks or addresses (`10.3.0.0/16`), which are good whatever they are, and hosts
    (`crm.internal`), which may lead into private networks. `ports` takes the place of the ports a URL may have.
    """

    __slots__ = ("_hosts", "_networks", "allow_private_networks", "ports")

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        allow_private_networks: bool = False,
        ports: Iterable[int] | None = None,
    ) -> None:
        """Raises ConfigurationError for an entry that is neither a network nor a host."""
        self.allow_private_networks = allow_private_networks
        self.ports = None if ports is None else frozenset(ports)
        networks: list[IpNetwork] = []
        hosts: set[str] = set()
        for entry in allow:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                hosts.add(_host(entry))
        self._networks = tuple(networks)
        self._hosts = frozenset(hosts)

    def __eq__(self, other: object) -> bool:
        """Return whether the other one answers the same to everything."""
        return type(other) is type(self) and self._rules() == other._rules()

    def __hash__(self) -> int:
        return hash(self._rules())

    def why_not_address(self, address: IpAddress | str, host: str = "") -> str | None:
        """Return None where a connection to `address` may be made, else the reason in a few words.

        `host` is the name that led there, in lower case, or nothing.
        """
        try:
            ip = ip_address(address) if isinstance(address, str) else address
        except ValueError:
            return "it is no address"
        if isinstance(ip, IPv6Address):
            if ip.scope_id:
                return "it belongs to one link of this machine"
            ip = ip.ipv4_mapped or ip
        if any(ip in network for network in self._networks):
            return None
        if ip in METADATA:
            return "it belongs to the machine's cloud"
        private_is_good = self.allow_private_networks or host in self._hosts
        if private_is_good and any(ip in network for network in PRIVATE):
            return None
        return _why_not_public(ip)

    def why_not_url(self, url: str) -> str | None:
        """Return None where `url` may be asked as far as the text tells, else the reason in a few words.

        The addresses its name leads to are looked at when the connection is made.
        """
        target = self.target(url)
        return target if isinstance(target, str) else None

    def _rules(self) -> tuple[object, ...]:
        return self.allow_private_networks, self.ports, frozenset(self._networks), self._hosts

    def target(self, url: str) -> Target | str:
        """Return the parts of a URL that may be asked, or the reason why it may not."""
        target = parse_url(url, ports=self.ports)
        if isinstance(target, str):
            return target
        if target.address is not None:
            reason = self.why_not_address(target.address)
            return target if reason is None else f"its address is not to be reached: {reason}"
        if _is_this_machine(target.host) and not (self.allow_private_networks or target.host in self._hosts):
            return "its host is this machine"
        return target


OPEN: Final = AddressPolicy(allow=("0.0.0.0/0", "::/0"))
"""Everything may be reached: for URLs that the operator himself wrote."""


def _why_not_public(ip: IpAddress) -> str | None:
    if isinstance(ip, IPv4Address):
        return "it is not public" if any(ip in network for network in DENIED_V4) else None
    if ip not in ALLOWED_V6 or any(ip in network for network in DENIED_V6):
        return "it is not public"
    return None


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _host(entry: str) -> str:
    host = ascii_host(entry)
    if host is None or "/" in entry or ":" in entry:
        raise ConfigurationError(
            f"{entry!r} is not to be allowed; want a network (10.3.0.0/16), an address or a host's name"
        )
    return host

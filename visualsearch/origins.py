"""Which URLs and which network addresses a photo may be fetched from. Pure, and asks nobody."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from .exceptions import UrlNotAllowed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = {"http": 80, "https": 443}
MAX_URL = 2048
# Characters by which programs disagree where the host of a URL ends.
AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# Of IPv6 this is what has been given to networks that anybody reaches …
UNICAST = ipaddress.IPv6Network("2000::/3")
# … and these are tunnels, which carry an IPv4 address past whoever looks at it: 6to4 and Teredo.
TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/23"))
# Networks without IPv4 reach it through these; the last 32 bits are the address meant.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A URL taken apart: ``host`` in its one spelling, ``path`` with its query, percent-encoded."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL and in the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"


def parse(url: str) -> Target:
    """Take a URL apart as a browser does; raises UrlNotAllowed for one that can be misread."""
    if len(url) > MAX_URL or AMBIGUOUS.search(url):
        raise UrlNotAllowed
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlNotAllowed from error
    if parts.scheme not in PORTS or "@" in parts.netloc or not parts.hostname or port == 0:
        raise UrlNotAllowed
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return Target(
        scheme=parts.scheme,
        host=canonical(parts.hostname, literal="[" in parts.netloc),
        port=port or PORTS[parts.scheme],
        path=path,
    )


def canonical(host: str, *, literal: bool) -> str:
    """The one spelling of a host; ``literal``: it stood in brackets. Raises UrlNotAllowed."""
    try:
        if literal:
            address = ipaddress.IPv6Address(host)
            if address.scope_id:
                raise UrlNotAllowed
            return str(address)
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
        # 127.1, 0x7f.1 and 2130706433 are addresses to a resolver, and names to who compares them.
        if re.fullmatch(r"\d+|0x[0-9a-f]*", name.rpartition(".")[2]):
            return str(ipaddress.IPv4Address(name))
    except ValueError as error:  # UnicodeError is one
        raise UrlNotAllowed from error
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise UrlNotAllowed
    return name


def origin_of(text: str) -> str:
    """An origin as it is compared; raises ValueError for what is no origin and nothing else."""
    try:
        target = parse(text)
    except UrlNotAllowed as error:
        raise ValueError(f"{text!r} is not an origin") from error
    parts = urlsplit(text)
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"{text!r} is more than an origin")
    return target.origin


def may_connect(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether an address is one of the public Internet, or of a network that was allowed by name.

    An address inside an address is judged as the one that packets would go to.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return may_connect(address.ipv4_mapped, networks)
        if address in NAT64:
            return may_connect(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF), networks)
    if any(address in network for network in networks):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST:
        return False
    tunnelled = any(address in tunnel for tunnel in TUNNELS)
    return address.is_global and not address.is_multicast and not tunnelled

"""Decide from which URLs and IP addresses a photo may be downloaded, without network access."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ..exceptions import UrlNotAllowed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = {"http": 80, "https": 443}
MAX_URL = 2048
# Characters that make programs disagree on where the host of a URL ends.
AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
# The IPv6 addresses allocated for the public Internet …
UNICAST = ipaddress.IPv6Network("2000::/3")
# … and the tunnels among them, 6to4 and Teredo, whose addresses hide an IPv4 address.
TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/23"))
# NAT64 addresses stand for an IPv4 address: their last 32 bits.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A parsed URL: ``host`` in canonical spelling, ``path`` percent-encoded with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as in the header ``Host``; a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port; the default port is left out."""
        return f"{self.scheme}://{self.authority}"


def parse(url: str) -> Target:
    """Parse a URL as a browser does.

    Raises UrlNotAllowed if it is too long, ambiguous, malformed, neither http nor https, or
    contains a user name.
    """
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
    """Return the canonical spelling of a host name or IP address.

    ``literal``: whether it was in brackets, as IPv6 addresses are. Raises UrlNotAllowed if it is
    invalid.
    """
    try:
        if literal:
            address = ipaddress.IPv6Address(host)
            if address.scope_id:
                raise UrlNotAllowed
            return str(address)
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
        # Resolvers take 127.1, 0x7f.1 and 2130706433 for addresses, so they must not pass as names.
        if re.fullmatch(r"\d+|0x[0-9a-f]*", name.rpartition(".")[2]):
            return str(ipaddress.IPv4Address(name))
    except ValueError as error:  # includes UnicodeError
        raise UrlNotAllowed from error
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise UrlNotAllowed
    return name


def origin_of(text: str) -> str:
    """Return an origin, such as ``https://images.example.com``, in canonical spelling.

    Raises ValueError if ``text`` is not an origin, or has a path, query or fragment.
    """
    try:
        target = parse(text)
    except UrlNotAllowed as error:
        raise ValueError(f"{text!r} is not an origin") from error
    parts = urlsplit(text)
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"{text!r} has more parts than an origin")
    return target.origin


def may_connect(address: Address, networks: tuple[Network, ...]) -> bool:
    """Return whether an address is on the public Internet or in one of ``networks``.

    An address that embeds an IPv4 address (mapped, or NAT64) is judged by that one.
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

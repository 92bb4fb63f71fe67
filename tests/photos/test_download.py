"""Defences of the image fetcher against server-side request forgery, on real sockets."""

import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from urllib.parse import quote

import pytest
import trustme

from tests.helpers.hanging import HANGS, before_the_hang_ends, until
from tests.helpers.picture_server import PHOTO, PictureServer
from visualsearch.exceptions import ImageTooLarge, UrlNotAllowed, UrlUnreachable
from visualsearch.photos.allowed_origins import may_connect, origin_of, parse
from visualsearch.photos.download import Rules, fetch

HOME = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest.fixture
def server():
    with PictureServer() as server:
        yield server


def rules(*origins, networks=HOME, timeout=HANGS, **values):
    allowed = frozenset(origin_of(each) for each in origins)
    return Rules(origins=allowed, networks=networks, timeout=timeout, **values)


def get(server, path, **values):
    return fetch(server.origin + path, rules(server.origin, **values))


def names(monkeypatch, *answers):
    """Resolve .example names to these addresses, one answer per lookup; return the lookups."""
    real, asked = socket.getaddrinfo, []

    def resolve(host, port, *args, **kwargs):
        if not host.endswith(".example"):
            return real(host, port, *args, **kwargs)
        addresses = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [each for address in addresses for each in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_fetch(server):
    assert get(server, "/photo?size=large") == PHOTO


def test_fetch__tells_nothing_about_who_asks(server, monkeypatch):
    get(server, "/round/1")
    (_, headers), (path, last) = server.requests
    assert path == "/photo"
    assert set(last) == {"Host", "Accept", "Accept-Encoding", "User-Agent", "Connection"}
    assert last == headers
    assert last["Accept-Encoding"] == "identity"


def test_fetch__no_proxy_of_the_environment(server, monkeypatch):
    with PictureServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        assert get(server, "/photo") == PHOTO
        assert proxy.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example/photo",
        "https://{host}:{port}/photo",
        "http://{host}:1/photo",
        "http://{host}/photo",
        "http://user@{host}:{port}/photo",
        "http://user:word@{host}:{port}/photo",
        "http://{host}:{port}@images.example/photo",
        "http://images.example\\@{host}:{port}/photo",
        "http://{host}:{port}\\@images.example/photo",
        "http://images.example#@{host}:{port}/photo",
        "http://{host}.images.example:{port}/photo",
        "ftp://{host}:{port}/photo",
        "file:///etc/passwd",
        "//{host}:{port}/photo",
        "{host}:{port}/photo",
        "http:///photo",
        "http://{host}:{port}/pho\nto",
        "http://{host}:{port} /photo",
        "http://{host}:99999/photo",
        "http://{host}:0/photo",
        "http://[{host}]:{port}/photo",
        "http://[::ffff:{host}]:{port}/photo",
        "http://[::1/photo",
        "",
        "x" * 5000,
    ],
)
def test_fetch__not_from_there(server, url):
    url = url.format(host="127.0.0.1", port=server.server_port)
    with pytest.raises(UrlNotAllowed):
        fetch(url, rules(server.origin))
    assert server.requests == []


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0x7f000001", "127.0.0.1.", "127.0.0.01",
     "①②⑦.0.0.1", "127。0。0。1", "[::1%lo]"],
)  # fmt: skip
def test_fetch__odd_spellings_of_an_address(server, host):
    """An odd spelling is either normalised to the allowed address or rejected."""
    url = f"http://{host}:{server.server_port}/photo"
    with suppress(UrlNotAllowed):
        assert parse(url).origin == server.origin
    public = rules("http://images.example", f"http://images.example:{server.server_port}")
    with pytest.raises(UrlNotAllowed):
        fetch(url, public)
    assert server.requests == []


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("HTTPS://Images.Example.COM.:443/", "https://images.example.com"),
        ("http://images.example:8080", "http://images.example:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER。example", "https://xn--bcher-kva.example"),
        ("http://[0:0::1]:80", "http://[::1]"),
    ],
)
def test_origin_of__has_one_spelling(text, origin):
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    "text", ["images.example", "https://", "https://a.example/x", "https://a.example?x", "*"]
)
def test_origin_of__is_none(text):
    with pytest.raises(ValueError, match="origin"):
        origin_of(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1",
        "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "::127.0.0.1",
        "2002:0a00:0001::1", "2002:0808:0808::1", "2001:0:0808:0808::1",
        "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::8.8.8.8",
    ],
)  # fmt: skip
def test_may_connect__not_inside(address):
    assert not may_connect(ipaddress.ip_address(address), ())


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_may_connect__the_public_internet(address):
    assert may_connect(ipaddress.ip_address(address), ())


def test_may_connect__a_network_that_is_named():
    networks = (ipaddress.ip_network("10.1.0.0/16"),)
    assert may_connect(ipaddress.ip_address("10.1.2.3"), networks)
    assert may_connect(ipaddress.ip_address("::ffff:10.1.2.3"), networks)
    assert not may_connect(ipaddress.ip_address("10.2.0.1"), networks)


def test_fetch__a_private_address_of_an_allowed_name(server, monkeypatch):
    asked = names(monkeypatch, ["127.0.0.1"])
    origin = f"http://images.example:{server.server_port}"
    with pytest.raises(UrlUnreachable):
        fetch(f"{origin}/photo", rules(origin, networks=()))
    assert asked == ["images.example"]
    assert server.requests == []


def test_fetch__all_addresses_of_a_name_must_be_allowed(server, monkeypatch):
    names(monkeypatch, ["127.0.0.1", "10.0.0.1"])
    origin = f"http://images.example:{server.server_port}"
    with pytest.raises(UrlUnreachable):
        fetch(f"{origin}/photo", rules(origin))
    assert server.requests == []


def test_fetch__a_name_that_is_somewhere_else_a_moment_later(server, monkeypatch):
    """DNS rebinding: connect to the checked address without resolving the name again."""
    with PictureServer("127.0.0.2", server.server_port) as inside:
        asked = names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        origin = f"http://images.example:{server.server_port}"
        allowed = rules(origin, networks=(ipaddress.ip_network("127.0.0.1/32"),))
        assert fetch(f"{origin}/photo", allowed) == PHOTO
        assert asked == ["images.example"]
        # A new fetch checks the name again.
        with pytest.raises(UrlUnreachable):
            fetch(f"{origin}/photo", allowed)
        assert inside.requests == []
    assert server.requests[0][1]["Host"] == f"images.example:{server.server_port}"


def test_fetch__the_next_address_where_nobody_is_at_the_first(server, monkeypatch):
    names(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    origin = f"http://images.example:{server.server_port}"
    assert fetch(f"{origin}/photo", rules(origin)) == PHOTO


@pytest.mark.parametrize("host", ["no-such-name.invalid", "127.0.0.1:1"])
def test_fetch__nobody_there(host):
    with pytest.raises(UrlUnreachable):
        fetch(f"http://{host}/photo", rules(f"http://{host}"))


def test_fetch__a_resolver_that_hangs(monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: go_on.wait() and [])
    with before_the_hang_ends(go_on.set), pytest.raises(UrlUnreachable):
        fetch("http://images.example/", rules("http://images.example", timeout=0.3))
    go_on.set()


# --- Redirects ---------------------------------------------------------------------------------


def test_fetch__redirects(server):
    assert get(server, "/round/3") == PHOTO
    with pytest.raises(UrlUnreachable):
        get(server, "/round/4")


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{other}/text", "//127.0.0.1:{other}/text", "file:///etc/passwd",
     "http://169.254.169.254/latest/meta-data/", "http://[::1", "http://x@127.0.0.1:{port}/photo"],
)  # fmt: skip
def test_fetch__redirected_to_where_it_may_not(server, target):
    with PictureServer() as other:
        target = target.format(other=other.server_port, port=server.server_port)
        with pytest.raises(UrlNotAllowed):
            get(server, "/to/" + quote(target, safe=""))
        assert other.requests == []
    assert len(server.requests) == 1


def test_fetch__redirected_to_another_allowed_origin(server):
    with PictureServer() as other:
        allowed = rules(server.origin, other.origin)
        url = f"{server.origin}/to/" + quote(f"{other.origin}/photo", safe="")
        assert fetch(url, allowed) == PHOTO


def test_fetch__a_redirect_is_resolved_and_checked_anew(server, monkeypatch):
    names(monkeypatch, ["127.0.0.2"])
    other = f"http://inside.example:{server.server_port}"
    allowed = rules(server.origin, other, networks=(ipaddress.ip_network("127.0.0.1/32"),))
    with pytest.raises(UrlUnreachable):
        fetch(f"{server.origin}/to/" + quote(f"{other}/text", safe=""), allowed)
    assert len(server.requests) == 1


def test_fetch__a_redirect_to_nowhere(server):
    with pytest.raises(UrlUnreachable):
        get(server, "/to/")  # to itself, for ever


# --- Size and time -----------------------------------------------------------------------------


def test_fetch__too_large_by_its_own_word(server):
    with pytest.raises(ImageTooLarge, match="2 MB"):
        get(server, "/announced/2000001", max_bytes=2_000_000)


def test_fetch__too_large_without_a_word(server):
    with pytest.raises(ImageTooLarge):
        get(server, "/endless", max_bytes=2_000_000)
    # The rest of the 262 MB was not sent, apart from the contents of socket buffers.
    assert server.sent < 100_000_000


def test_fetch__nothing_is_unpacked(server):
    with pytest.raises(UrlUnreachable):
        get(server, "/bomb")


@pytest.mark.parametrize("path", ["/torn", "/missing", "/no-such-thing"])
def test_fetch__no_photo_there(server, path):
    with pytest.raises(UrlUnreachable):
        get(server, path)


@pytest.mark.parametrize("path", ["/trickle/headers", "/trickle/body", "/silence"])
def test_fetch__one_deadline_for_all_of_it(server, path):
    start = time.monotonic()
    with before_the_hang_ends(server.closing.set), pytest.raises(UrlUnreachable):
        get(server, path, timeout=0.5)
    assert time.monotonic() - start > 0.4  # not before the timeout
    until(lambda: server.requests, "nothing was asked for")


def test_fetch__a_server_that_does_not_shake_hands():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with before_the_hang_ends(silent.close), pytest.raises(UrlUnreachable):
            fetch(origin, rules(origin, timeout=0.5))


# --- HTTPS -------------------------------------------------------------------------------------


@pytest.fixture
def authority(monkeypatch, tmp_path):
    """A certificate authority that this process trusts."""
    authority = trustme.CA()
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return authority


def tls(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    context.asked = []
    context.sni_callback = lambda connection, name, context: context.asked.append(name)
    return context


def test_fetch__https(authority, monkeypatch):
    names(monkeypatch, ["127.0.0.1"])
    context = tls(authority, "images.example")
    with PictureServer(tls=context) as server:
        origin = f"https://images.example:{server.server_port}"
        assert fetch(f"{origin}/photo", rules(origin)) == PHOTO
        assert server.requests[0][1]["Host"] == f"images.example:{server.server_port}"
    assert context.asked == ["images.example"]


def test_fetch__the_certificate_of_another_name(authority, monkeypatch):
    names(monkeypatch, ["127.0.0.1"])
    with PictureServer(tls=tls(authority, "127.0.0.1")) as server:
        origin = f"https://images.example:{server.server_port}"
        with pytest.raises(UrlUnreachable):
            fetch(f"{origin}/photo", rules(origin))
        assert server.requests == []


def test_fetch__a_certificate_of_nobody(authority, monkeypatch):
    names(monkeypatch, ["127.0.0.1"])
    with PictureServer(tls=tls(trustme.CA(), "images.example")) as server:
        origin = f"https://images.example:{server.server_port}"
        with pytest.raises(UrlUnreachable):
            fetch(f"{origin}/photo", rules(origin))
        assert server.requests == []

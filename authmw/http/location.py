"""URL checks: the parts of an allowed URL, and the classes of addresses (loopback, public).

A document of an issuer contains further URLs. They may lead to the internet, but never into the network of the
application that reads the document (CVE-2026-48522; OWASP: "server-side request forgery").
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: the last 32 bits are an IPv4 address
# `ipaddress` says that these are global. They are the old site-local addresses (RFC 3879 §4) and addresses for examples
# (RFC 9637 §3).
_NOT_GLOBAL = (ipaddress.IPv6Network("fec0::/10"), ipaddress.IPv6Network("3fff::/20"))
_PORTS: Final = {"https": 443, "http": 80}
_WRONG_CHARACTER: Final = re.compile(r'[^!-~]|["<>\\^`{|}]')  # RFC 3986 §2
_HOST_AND_PORT: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?")
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Location:
    """The parts of a URL that authmw may fetch.

    >>> Location.of("https://id.example/keys?v=1")
    Location(scheme='https', host='id.example', port=443, target='/keys?v=1')
    """

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str, *, insecure: bool = False) -> Location:
        """The parts of `url`.

        Args:
            url: an absolute URL with https, or with http for a host that is this machine.
            insecure: allow http for every host.

        Raises:
            ValueError: the URL is not allowed. The message says why, and does not repeat the URL, which may contain a
                secret.
        """
        if _WRONG_CHARACTER.search(url):
            raise ValueError("the URL contains a character that is not allowed in URLs")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ValueError("the URL has no IPv6 address between its brackets") from None
        host = parts.hostname
        if parts.scheme not in _PORTS or not host:
            raise ValueError("the URL does not begin with https:// and a host")
        if "@" in parts.netloc or "#" in url:
            raise ValueError("the URL contains a user or a fragment: leave it out")
        match = _HOST_AND_PORT.fullmatch(parts.netloc)
        port = int((match and match["port"]) or _PORTS[parts.scheme])
        if match is None or not 0 < port <= _LAST_PORT:
            raise ValueError("the host or the port of the URL is not valid")
        if parts.scheme == "http" and not insecure and not is_loopback(host):
            raise ValueError("the URL is http: use https, because http is allowed only for this machine")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port, target)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: the same for all URLs of one server (RFC 6454 §4)."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """The host, with the port unless that is the default port of the scheme: the value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def base(self) -> str:
        """The URL without its path and query, as browsers write an origin (RFC 6454 §6.2)."""
        return f"{self.scheme}://{self.netloc}"


def mistake_in_url(url: object, *, query: bool = True, insecure: bool = False) -> str:
    """The mistake in `url`; empty if there is none. It does not repeat the URL, which may contain a secret.

    Args:
        url: a URL as `Location.of` requires it.
        query: whether the URL may have a query.
        insecure: allow http for every host.

    >>> mistake_in_url("https://id.example"), mistake_in_url("https://id.example/?a=1", query=False)
    ('', 'the URL has a query: leave it out')
    """
    if not isinstance(url, str):
        return "it is not a str"
    try:
        Location.of(url, insecure=insecure)
    except ValueError as error:
        return str(error)
    return "the URL has a query: leave it out" if "?" in url and not query else ""


def without_query(url: str) -> str:
    """`url` for a message: its query may be a secret.

    >>> without_query("https://id.example/keys?key=t0ken"), without_query("https://id.example/keys")
    ('https://id.example/keys?...', 'https://id.example/keys')
    """
    before, mark, _ = url.partition("?")
    return f"{before}?..." if mark else before


def is_loopback(host: str) -> bool:
    """Whether the name or address `host` is this machine.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("127.evil.example")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether the IP address `address` belongs to the internet, and not to a private network or to this machine.

    >>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) % 2**32) if ip in _NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
        if any(ip in network for network in _NOT_GLOBAL):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)

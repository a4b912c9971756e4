"""Scheme for a user name in a header from a reverse proxy that has authenticated the user."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, ClassVar, Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import TrustedUser
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.schemes.base import SecurityScheme, check_name_first
from authmw.verifiers.base import Lookup, Verifier

_NAME = re.compile(r"[\x20-\x2b\x2d-\x7e\xa0-\xff]+")
_MAX_NAME: Final = 1024
_BETWEEN_ADDRESSES = re.compile(r'[\s,;="\[\]]+')


@explains_arguments('TrustedHeader("X-Remote-User", ..., proxies=["10.0.0.0/8"])')
class TrustedHeader(SecurityScheme[TrustedUser]):
    """The user (or certificate subject) that a declared proxy names in a header.

    From any other peer the header is a forgery and refused. A value with a comma is refused too: it may be two values.
    Some servers and middleware take the peer's address from ``X-Forwarded-For``, as uvicorn does for trusted peers.
    Then a client can choose the address. So an address that such a header names never counts as a declared proxy.

    Args:
        header: the header's name, as ``X-Remote-User``.
        verifier: from `TrustedUser` to a verdict; by default the value is the id of the principal.
        proxies: the addresses of the proxies, as ``10.0.0.0/8`` or ``127.0.0.1``; ``unix`` for peers without an
            address (a Unix socket). They must remove the header from what clients send.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    Raises:
        ConfigurationError: there is no proxy, or one is neither an address nor a network.
    """

    auth_type = "TrustedHeader"
    extracts: ClassVar[type | None] = TrustedUser

    def __init__(
        self,
        header: str,
        verifier: Verifier[TrustedUser] | Lookup | None = None,
        *,
        proxies: Collection[str],
        name: str = "",
        description: str = "",
    ) -> None:
        check_name_first(header, "TrustedHeader", "X-Remote-User")
        super().__init__(verifier or _NameAsId(), name=name, description=description)
        if not is_token(header) or "_" in header:
            raise ConfigurationError(f"{header!r} cannot name a trusted header: use letters, digits and hyphens")
        self.header = header
        self.vary = header
        self._networks, self._unix = _networks(proxies)

    def extract(self, request: RequestHead) -> TrustedUser | Rejected | None:
        """The user name, if the peer is a declared proxy."""
        value = request.header(self.header.lower())
        if value is None:
            return None
        if not self._is_proxy(request.client):
            return Rejected(Reason.PROXY_UNTRUSTED, "the peer is not among the declared proxies")
        if _is_peer_in_header(request):
            return Rejected(Reason.PROXY_UNTRUSTED, "the peer's address may be from a header: turn proxy headers off")
        value = value.strip(" \t")
        if len(value) > _MAX_NAME or _NAME.fullmatch(value) is None:
            return Rejected(Reason.CREDENTIALS_MALFORMED, "empty, too long, or with a comma or control character")
        try:
            return TrustedUser(value.encode("latin-1").decode("utf-8"))
        except UnicodeDecodeError:
            return Rejected(Reason.CREDENTIALS_MALFORMED, "not UTF-8")

    def _is_proxy(self, client: str) -> bool:
        from ipaddress import ip_address

        if not client:
            return self._unix
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``TrustedHeader realm="…"``. The header is not named: no client should send it."""
        return Challenge("TrustedHeader", (("realm", realm),))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "apiKey", "in": "header", "name": …}``: OpenAPI has no closer type."""
        return self._described({"type": "apiKey", "in": "header", "name": self.header})


def _is_peer_in_header(request: RequestHead) -> bool:
    """Whether a forwarded header names the peer's address: then the server may have taken it from the header."""
    forwarded = " ".join(filter(None, map(request.header, ("x-forwarded-for", "forwarded"))))
    if not forwarded or not request.client:
        return False
    if len(forwarded) > MAX_CREDENTIAL_LENGTH:
        return True
    # 192.0.2.1    192.0.2.1:80    [2001:db8::1]:80    for="[2001:db8::1]:80";proto=http
    names = _BETWEEN_ADDRESSES.split(forwarded)
    return _address(request.client) in {_address(name) for each in names for name in (each, each.rpartition(":")[0])}


def _address(text: str) -> object:
    """The address in `text`; `text` itself if it is not an address."""
    from ipaddress import ip_address

    try:
        return ip_address(text)
    except ValueError:
        return text


class _NameAsId:
    def verify(self, credentials: TrustedUser, request: RequestHead, /) -> Verdict:
        return Authenticated(Principal(credentials.name))


def _networks(proxies: Collection[str]) -> tuple[tuple[Any, ...], bool]:
    from ipaddress import ip_network

    mistakes: list[str] = []
    networks: list[Any] = []
    if isinstance(proxies, str) or not proxies:
        mistakes.append('TrustedHeader(proxies=[...]) needs the proxies that may send it, as ["10.0.0.0/8"]')
    for proxy in () if isinstance(proxies, str) else proxies:
        if proxy == "unix":
            continue
        try:
            networks.append(ip_network(proxy))
        except ValueError:
            mistakes.append(f"{proxy!r} is no network: write an address or a network, as 10.0.0.0/8")
    if mistakes:
        raise ConfigurationError(*mistakes)
    return tuple(networks), "unix" in proxies

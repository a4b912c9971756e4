"""Scheme for an access token in a cookie, for pages in a browser, with protection against CSRF.

A browser sends its cookies with every request, also with a request that a page of another site made. So a request that
may change something has to come from a page of this application. From another site the cookie authenticates nobody.

A cookie that authenticates nobody counts as absent, since the browser sends it without being asked: public pages are
served, and others are a 401. Both answers clear a cookie that is dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token, is_token68
from authmw.http.origin import checked_origins, is_from, is_unsafe
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.set_cookie import clearing
from authmw.http.target import MAX_SEARCHED
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import SecurityScheme, is_dead
from authmw.verifiers.base import Lookup, Verifier

ACCESS_COOKIE: Final = "__Host-access"
"""Default name of the cookie that holds the access token."""


@explains_arguments('SessionCookie(service.verifier(), origins=["https://..."])')
class SessionCookie(SecurityScheme[BearerToken]):
    """An access token in a ``__Host-`` cookie: ``SessionCookie(verifier, origins=["https://shop.example"])``.

    Methods other than GET, HEAD and OPTIONS, and websockets, need ``Sec-Fetch-Site: same-origin``, or in an older
    browser an ``Origin`` among `origins`. So views must not change anything on GET.

    Args:
        verifier: a `JWTVerifier`, a `TokenVerifier`, or a function from the token to a `Principal` or None.
        origins: the origins of the application's pages, as a browser writes them.
        cookie: its name. No other host and no page without TLS can set a ``__Host-`` cookie (RFC 6265bis §4.1.3.2).
        open_to: paths, as they are routed, where the cookie is ignored, as that of the login: an old cookie must not
            prevent a new login.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    Raises:
        ConfigurationError: all mistakes in the arguments.

    >>> SessionCookie(origins=["https://shop.example"]).openapi()
    {'type': 'apiKey', 'in': 'cookie', 'name': '__Host-access'}
    """

    extracts: ClassVar[type | None] = BearerToken
    in_cookie = True
    vary = "Cookie"

    def __init__(
        self,
        verifier: Verifier[BearerToken] | Lookup | None = None,
        *,
        origins: Iterable[str],
        cookie: str = ACCESS_COOKIE,
        open_to: Iterable[str] = (),
        name: str = "",
        description: str = "",
    ) -> None:
        super().__init__(verifier, name=name, description=description)
        self.origins: frozenset[str] = checked_origins(origins, type(self).__name__)
        self.cookie: str = checked_cookie_name(cookie)
        self._open_to = frozenset(open_to)

    def extract(self, request: RequestHead) -> BearerToken | Rejected | None:
        """The token in the cookie, if there is exactly one and the request comes from an allowed origin."""
        if request.path in self._open_to and request.is_canonical:
            return None
        values = cookies_named(request, self.cookie)
        if not values:
            return None
        token, *others = values
        if others:
            return Rejected(Reason.CREDENTIAL_DUPLICATE)
        if is_unsafe(request) and not is_from(request, self.origins):
            site = request.header("sec-fetch-site")
            return Rejected(Reason.CROSS_SITE, f"Sec-Fetch-Site is {site!a}, Origin is {request.header('origin')!a}")
        if len(token) > MAX_CREDENTIAL_LENGTH or not is_token68(token):
            return Rejected(Reason.TOKEN_MALFORMED, "not a b64token of at most 8 KiB")
        return BearerToken(token)

    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """``ApiKey realm="…", cookie="__Host-access"``, as for API keys: IANA has no scheme for cookies."""
        return Challenge("ApiKey", (("realm", realm), ("cookie", self.cookie)))

    def clearing(self, rejected: Rejected) -> tuple[tuple[str, str], ...]:
        """The header that clears a dead cookie; none if another site made the browser send it: it may be good."""
        return (clearing(self.cookie, same_site="Lax"),) if is_dead(rejected) else ()

    def openapi(self) -> dict[str, Any]:
        """``{"type": "apiKey", "in": "cookie", "name": …}``."""
        return self._described({"type": "apiKey", "in": "cookie", "name": self.cookie})


def cookies_named(request: RequestHead, name: str) -> tuple[str, ...]:
    """The values of the cookie `name`; two or more if it is not certain which one counts.

    A cookie with an empty name and the value ``__Host-access=...`` looks like the cookie itself in the header. Another
    host can set it in spite of the prefix (CVE-2023-23934), so it counts as a second value.
    """
    try:
        values = request.cookie(name)
    except ValueError:
        return ("", "")
    header = request.header("cookie") or ""
    nameless = (pair.strip(" \t") for pair in header.split(";") if pair.lstrip(" \t").startswith("="))
    disguised = [pair for pair in nameless if pair.lstrip("= \t").startswith(f"{name}=")]
    return (*values, "", "") if disguised else values


def only_value(cookies: bytes, name: bytes) -> bytes | None:
    """What follows the name of the cookie `name`, as ``=value``, where a quick look finds one cookie; otherwise None.

    What begins with ``=`` is a value that `cookies_named` finds too, and that alone. That one finds more.

    >>> only_value(b"theme=dark; __Host-access=t0ken; a=b", b"__Host-access")
    b'=t0ken'
    >>> only_value(b"=__Host-access=t0ken", b"__Host-access") is None
    True
    """
    parts = cookies.split(name, 2)
    if len(parts) != 2 or len(cookies) > MAX_SEARCHED:
        return None  # the name stands there again: as another cookie, or disguised by an empty name
    before, rest = parts
    return None if before and before[-2:] != b"; " else rest.partition(b";")[0]


def checked_cookie_name(cookie: str) -> str:
    """`cookie`. Raises `ConfigurationError` for a name that other hosts could set.

    >>> checked_cookie_name("__Host-access")
    '__Host-access'
    """
    if not cookie.startswith("__Host-") or not is_token(cookie):
        raise ConfigurationError(f"{cookie!r}: name the cookie '__Host-...', so that no other host can set it")
    return cookie

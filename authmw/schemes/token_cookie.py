"""Scheme for an access token in a cookie, for pages in a browser, with protection against CSRF.

A browser sends its cookies with every request, also with a request that a page of another site made. So a request that
may change something has to come from a page of this application. From another site the cookie authenticates nobody.

A cookie that authenticates nobody counts as absent, since the browser sends it without being asked: public pages are
served, and others are a 401. Both answers clear a cookie that is dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from authmw.errors import explains_arguments
from authmw.http.challenge import Challenge
from authmw.http.cookies import checked_cookie_name, cookies_named
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token68
from authmw.http.origin import checked_origins, is_from, is_unsafe
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.http.set_cookie import clearing
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import SecurityScheme, is_dead
from authmw.verifiers.base import Lookup, Verifier

ACCESS_COOKIE: Final = "__Host-access"
"""Default name of the cookie that holds the access token."""


@explains_arguments('TokenCookie(service.verifier(), origins=["https://..."])')
class TokenCookie(SecurityScheme[BearerToken]):
    """An access token in a ``__Host-`` cookie: ``TokenCookie(verifier, origins=["https://shop.example"])``.

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

    >>> TokenCookie(origins=["https://shop.example"]).openapi()
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

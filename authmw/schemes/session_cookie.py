"""An access token in a cookie, for pages in a browser, and what keeps other sites from using it.

The cookie of a browser is sent whoever makes the browser send something. So what may change something has to come from
a page of our own; from elsewhere it is refused (403), and neither let through nor taken for anonymous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from authmw.errors import ConfigurationError
from authmw.http.challenge import Challenge
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, is_token, is_token68
from authmw.http.origin import checked_origins, is_from, is_unsafe
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Rejected
from authmw.schemes.base import SecurityScheme
from authmw.verifiers.base import Verifier

ACCESS_COOKIE: Final = "__Host-access"
"""The cookie that holds the access token, unless it is named otherwise."""


class SessionCookie(SecurityScheme[BearerToken]):
    """An access token in a ``__Host-`` cookie: ``SessionCookie(verifier, origins=["https://shop.example"])``.

    Methods other than GET, HEAD and OPTIONS, and websockets, need ``Sec-Fetch-Site: same-origin``, or in an older
    browser an ``Origin`` among `origins`. So views have to change nothing on GET.

    Args:
        verifier: a `JWTVerifier`, a `TokenVerifier`, or a function from the token to a `Principal` or None.
        origins: where the application's pages are, as a browser writes it.
        cookie: its name. With ``__Host-`` no other host and no page without TLS can set it (RFC 6265bis §4.1.3.2).
        open_to: paths, as they are routed, where the cookie is not looked at: a login with an old cookie is a login.
        name: the key in the OpenAPI document.
        description: for the OpenAPI document.

    Raises:
        ConfigurationError: every mistake at once.

    >>> SessionCookie(origins=["https://shop.example"]).openapi()
    {'type': 'apiKey', 'in': 'cookie', 'name': '__Host-access'}
    """

    extracts: ClassVar[type | None] = BearerToken
    vary = "Cookie"

    def __init__(
        self,
        verifier: Verifier[BearerToken] | Callable[..., Any] | None = None,
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
        """The token in the cookie, if it is there once and the request may use it."""
        if request.path in self._open_to:
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
        """``ApiKey realm="…", cookie="__Host-access"``, as for API keys: no scheme is registered for cookies."""
        return Challenge("ApiKey", (("realm", realm), ("cookie", self.cookie)))

    def openapi(self) -> dict[str, Any]:
        """``{"type": "apiKey", "in": "cookie", "name": …}``."""
        return self._described({"type": "apiKey", "in": "cookie", "name": self.cookie})


def cookies_named(request: RequestHead, name: str) -> tuple[str, ...]:
    """The values of the cookie `name`; two or more when it cannot be told which one counts (class 32).

    A cookie without a name, whose value begins like one with it, is how another host writes past the prefix
    (CVE-2023-23934): it counts as a second one.
    """
    try:
        values = request.cookie(name)
    except ValueError:
        return ("", "")
    header = request.header("cookie") or ""
    nameless = (pair.strip(" \t") for pair in header.split(";") if pair.lstrip(" \t").startswith("="))
    disguised = [pair for pair in nameless if pair.lstrip("= \t").startswith(f"{name}=")]
    return (*values, "", "") if disguised else values


def checked_cookie_name(cookie: str) -> str:
    """`cookie`, or a `ConfigurationError` for a name that other hosts could set.

    >>> checked_cookie_name("__Host-access")
    '__Host-access'
    """
    if not cookie.startswith("__Host-") or not is_token(cookie):
        raise ConfigurationError(f"{cookie!r}: name the cookie '__Host-...', so that no other host can set it")
    return cookie

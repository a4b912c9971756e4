"""Cookie mode of the token service: what it is called and where it applies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from authmw.errors import ConfigurationError
from authmw.http.origin import checked_origins
from authmw.schemes.session_cookie import ACCESS_COOKIE, checked_cookie_name

_REFRESH_COOKIE: Final = "__Host-refresh"


class CookieMode:
    """Cookies for the pages of an application: ``TokenService(..., cookies=CookieMode(["https://shop.example"]))``.

    Cookies are shared by all ports of a host. Two services on one host, as while developing, need names of their own.

    Args:
        origins: where the pages are, as a browser writes it: scheme, host and port.
        access: the cookie that holds the access token.
        refresh: the cookie that holds the refresh token.

    Raises:
        ConfigurationError: an origin that is none, a name without ``__Host-``, or one name for both.
    """

    __slots__ = ("access", "origins", "refresh")

    def __init__(self, origins: Iterable[str], *, access: str = ACCESS_COOKIE, refresh: str = _REFRESH_COOKIE) -> None:
        self.origins: frozenset[str] = checked_origins(origins, "CookieMode")
        self.access: str = checked_cookie_name(access)
        self.refresh: str = checked_cookie_name(refresh)
        if access == refresh:
            raise ConfigurationError(f"CookieMode keeps two tokens in {access!r}: name two cookies")

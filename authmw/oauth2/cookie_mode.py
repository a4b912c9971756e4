"""Configuration of cookie mode: the origins of the pages and the names of the cookies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.http.cookies import checked_cookie_name
from authmw.http.origin import checked_origins
from authmw.schemes.token_cookie import ACCESS_COOKIE

_REFRESH_COOKIE: Final = "__Host-refresh"


@explains_arguments("CookieMode(['https://shop.example'])")
class CookieMode:
    """Cookies for the pages of an application: ``TokenService(..., cookies=CookieMode(["https://shop.example"]))``.

    Cookies are shared by all ports of a host. Two services on one host, as while developing, need different names.

    Args:
        origins: where the pages are, as a browser writes it: scheme, host and port.
        access: the cookie that holds the access token.
        refresh: the cookie that holds the refresh token.

    Raises:
        ConfigurationError: every mistake at once: no or malformed origins, a name without ``__Host-``, or one name for
            both cookies.

    >>> sorted(CookieMode(["https://shop.example"]).origins)
    ['https://shop.example']
    """

    __slots__ = ("access", "origins", "refresh")

    def __init__(self, origins: Iterable[str], *, access: str = ACCESS_COOKIE, refresh: str = _REFRESH_COOKIE) -> None:
        mistakes: list[str] = []
        self.origins: frozenset[str] = frozenset()
        try:
            self.origins = checked_origins(origins, "CookieMode")
        except ConfigurationError as error:
            mistakes += error.mistakes
        self.access: str = access
        self.refresh: str = refresh
        for name in (access, refresh):
            try:
                checked_cookie_name(name)
            except ConfigurationError as error:
                mistakes += error.mistakes
        if access == refresh:
            mistakes.append(f"CookieMode(access={access!r}, refresh={refresh!r}) is one name: name two cookies")
        if mistakes:
            raise ConfigurationError(*mistakes)

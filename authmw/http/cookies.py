"""Cookies of a request: the values of one name, and names that no other host can set."""

from __future__ import annotations

from authmw.errors import ConfigurationError
from authmw.http.grammar import is_token
from authmw.http.request import RequestHead
from authmw.http.target import MAX_SEARCHED


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

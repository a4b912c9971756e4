"""``Set-Cookie`` headers that clear a cookie (RFC 6265 §5.3), and which of them a response needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Header = tuple[str, str]

_NOT_SHARED: Final = frozenset({"private", "no-store"})
_PREFIXED: Final = ("__host-", "__secure-")


def clearing(name: str, *, path: str = "/", domain: str = "", same_site: str = "") -> Header:
    """The header that clears the cookie `name`. Path and domain have to be those that the cookie was set with.

    A cookie whose prefix asks for it is ``Secure`` (RFC 6265bis §4.1.3): otherwise browsers ignore the header.

    >>> clearing("__Host-access", same_site="Lax")
    ('Set-Cookie', '__Host-access=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax')
    >>> clearing("key", path="/api", domain="shop.example")
    ('Set-Cookie', 'key=; Max-Age=0; Path=/api; Domain=shop.example; HttpOnly')
    """
    attributes = [f"{name}=", "Max-Age=0", f"Path={path}"]
    if domain:
        attributes.append(f"Domain={domain}")
    if name.lower().startswith(_PREFIXED):
        attributes.append("Secure")
    attributes.append("HttpOnly")
    if same_site:
        attributes.append(f"SameSite={same_site}")
    return "Set-Cookie", "; ".join(attributes)


def cookies_set_by(headers: Iterable[Header]) -> set[str]:
    """The names of the cookies that `headers` set or clear.

    >>> cookies_set_by([clearing("key"), ("DPoP-Nonce", "n")])
    {'key'}
    """
    return {_name(value) for name, value in headers if name.lower() == "set-cookie"}


def without_cookies_set(own: Iterable[Header], headers: Iterable[Header]) -> list[Header]:
    """The headers of `own`, without the ``Set-Cookie`` of a cookie that `headers` set, as a login does.

    None is sent with a response that shared caches may store (RFC 9111 §3): one that ignores ``Vary`` would clear the
    cookies of others.

    >>> without_cookies_set([clearing("key"), ("DPoP-Nonce", "n")], [("set-cookie", "key=new; Path=/")])
    [('DPoP-Nonce', 'n')]
    """
    are_set: set[str] = set()
    caching: set[str] = set()
    for name, value in headers:
        match name.lower():
            case "set-cookie":
                are_set.add(_name(value))
            case "cache-control":
                caching.update(each.partition("=")[0].strip(" \t") for each in value.lower().split(","))
            case _:
                pass
    # Without any directive, the engine says ``private``.
    is_shared = bool(caching) and caching.isdisjoint(_NOT_SHARED)
    return [each for each in own if each[0].lower() != "set-cookie" or not (is_shared or _name(each[1]) in are_set)]


def _name(value: str) -> str:
    return value.partition("=")[0].strip(" \t")

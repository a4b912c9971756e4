"""What the browser may do with the page: the Content-Security-Policy (CSP Level 3), and whom its scripts may ask.

Scripts and styles come from the page's own origin, from files, and nothing in the HTML is one. What is asked elsewhere
is the API, where the document says so, and the authorization server that hands out tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from authmw.errors import ConfigurationError

# scheme "://" host [ ":" port ]                                             RFC 6454 §6.2
# Nothing that ends a source expression or a directive fits in here.
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_BEFORE_PATH: Final = re.compile(r"[^/?#]*//[^/?#]*")
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def content_security_policy(origins: Iterable[str] = ()) -> str:
    """The policy of the page.

    Args:
        origins: whom its scripts may ask besides their own origin.

    >>> content_security_policy(["https://id.example"]).split("; ")[4]
    "connect-src 'self' https://id.example"
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            " ".join(("connect-src 'self'", *origins)),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def checked_origins(origins: Iterable[str]) -> tuple[str, ...]:
    """`origins`, each of which is one.

    Raises:
        ConfigurationError: one is not, as for its path.
    """
    given = (origins,) if isinstance(origins, str) else tuple(origins)
    wrong = [each for each in given if _ORIGIN.fullmatch(each) is None]
    if wrong:
        raise ConfigurationError(*(f'connect={each!r} is no origin: write "https://id.example"' for each in wrong))
    return given


def origin_of(url: object) -> str | None:
    """The origin of an absolute URL; None for a relative one, and for what is none or has a variable in it.

    >>> origin_of("https://ID.example/token"), origin_of("token"), origin_of("https://{region}.example/")
    ('https://id.example', None, None)
    """
    match = _BEFORE_PATH.match(url) if isinstance(url, str) else None
    origin = "" if match is None else match[0].lower()
    return origin if _ORIGIN.fullmatch(origin) else None


def origins_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The origins that `document` sends scripts to: of its servers, and where its schemes say that tokens come from."""
    found = (origin_of(url) for url in _urls_in(document))
    return tuple(dict.fromkeys(origin for origin in found if origin is not None))


def _urls_in(document: Mapping[str, Any]) -> Iterator[object]:
    paths = _mapping(document.get("paths"))
    operations = (_mapping(item).get(method) for item in paths.values() for method in _METHODS)
    for place in (document, *paths.values(), *operations):
        yield from (_mapping(server).get("url") for server in _list(_mapping(place).get("servers")))
    schemes = _mapping(_mapping(document.get("components")).get("securitySchemes"))
    for scheme in map(_mapping, (*schemes.values(), *_mapping(document.get("securityDefinitions")).values())):
        yield scheme.get("openIdConnectUrl")
        for flow in map(_mapping, (scheme, *_mapping(scheme.get("flows")).values())):
            yield from (flow.get("tokenUrl"), flow.get("refreshUrl"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType] - it is of JSON


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - it is of JSON

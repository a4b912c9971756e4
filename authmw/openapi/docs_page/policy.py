"""Content-Security-Policy of the docs page (CSP Level 3), and the origins to which its scripts may send requests.

Scripts and styles come from files of the page's own origin; inline ones are not allowed. Requests to other origins go
to the API, if the document names its servers, and to the authorization server that issues tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from authmw.errors import ConfigurationError

# scheme "://" host [ ":" port ]                                             RFC 6454 §6.2
# No character that ends a source expression or a directive matches (CSP Level 3 §2.3).
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_BEFORE_PATH: Final = re.compile(r"[^/?#]*//[^/?#]*")
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def content_security_policy(origins: Iterable[str] = ()) -> str:
    """The policy of the page.

    Args:
        origins: the other origins to which its scripts may send requests.

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
    """`origins`, after a check that each of them is one.

    Raises:
        ConfigurationError: one is no origin; it has a path, for example.
    """
    given = (origins,) if isinstance(origins, str) else tuple(origins)
    wrong = [each for each in given if _ORIGIN.fullmatch(each) is None]
    if wrong:
        raise ConfigurationError(*(f'connect={each!r} is no origin: write "https://id.example"' for each in wrong))
    return given


def origin_of(url: object) -> str | None:
    """The origin of an absolute URL; None for a relative one, for one with a variable, and for anything else.

    >>> origin_of("https://ID.example/token"), origin_of("token"), origin_of("https://{region}.example/")
    ('https://id.example', None, None)
    """
    match = _BEFORE_PATH.match(url) if isinstance(url, str) else None
    origin = "" if match is None else match[0].lower()
    return origin if _ORIGIN.fullmatch(origin) else None


def origins_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The origins that `document` names: those of its servers, and those of the token endpoints of its schemes."""
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
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType] - JSON


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - JSON

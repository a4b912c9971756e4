"""Content-Security-Policy of the docs page (CSP Level 3), and the origins to which its scripts may send requests.

Scripts and styles come from files of the page's own origin; inline ones are not allowed. Requests to other origins go
to the API, if the document names its servers, and to the authorization server that issues tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from authmw.pages.policy import content_security_policy, is_origin

_BEFORE_PATH: Final = re.compile(r"[^/?#]*//[^/?#]*")
_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def page_policy(origins: Iterable[str] = ()) -> str:
    """The policy of the page.

    Args:
        origins: the other origins to which its scripts may send requests.

    >>> page_policy(["https://id.example"]).split("; ")[4]
    "connect-src 'self' https://id.example"
    """
    return content_security_policy(
        {
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "img-src": ["'self'", "data:"],
            "connect-src": ["'self'", *origins],
        }
    )


def origin_of(url: object) -> str | None:
    """The origin of an absolute URL; None for a relative one, for one with a variable, and for anything else.

    >>> origin_of("https://ID.example/token"), origin_of("token"), origin_of("https://{region}.example/")
    ('https://id.example', None, None)
    """
    match = _BEFORE_PATH.match(url) if isinstance(url, str) else None
    origin = "" if match is None else match[0].lower()
    return origin if is_origin(origin) else None


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

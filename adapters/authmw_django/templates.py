"""OpenAPI's form of the paths of a URL conf: the path with ``{name}`` in it, and a Parameter Object for each name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.contrib.admindocs.utils import replace_metacharacters, replace_named_groups, replace_unnamed_groups
from django.urls.converters import IntConverter, PathConverter, SlugConverter, StringConverter, UUIDConverter
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

_ROUTE: Final = re.compile(r"<(?:[^<>:]+:)?(?P<name>[^<>]+)>")
_SIMPLE: Final = re.compile(r"<(?P<name>[^<>]*)>")
_SCHEMAS: Final[Mapping[type, dict[str, Any]]] = {
    IntConverter: {"type": "integer", "minimum": 0},
    StringConverter: {"type": "string", "minLength": 1},
    SlugConverter: {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
    UUIDConverter: {"type": "string", "format": "uuid"},
    PathConverter: {"type": "string", "minLength": 1},
}


def template_of(patterns: Iterable[Any]) -> str:
    """The path of a view, from the `patterns` on the way to it.

    >>> template_of([RoutePattern("orders/"), RoutePattern("<int:number>/", is_endpoint=True)])
    '/orders/{number}/'
    """
    return "/" + "".join(map(_part, patterns)).replace("//", "/").removeprefix("/")


def parameters_of(patterns: Iterable[Any]) -> tuple[dict[str, Any], ...]:
    """The Parameter Objects of a path (OpenAPI 3.1.1 §4.8.12). What a custom converter accepts is unknown.

    >>> parameters_of([RoutePattern("orders/<int:number>/", is_endpoint=True)])[0]["schema"]
    {'type': 'integer', 'minimum': 0}
    """
    found = {name: schema for pattern in patterns for name, schema in _schemas(pattern)}
    return tuple({"name": name, "in": "path", "required": True, "schema": schema} for name, schema in found.items())


def _part(pattern: Any) -> str:
    if isinstance(pattern, LocalePrefixPattern):
        return "{language}/" if pattern.prefix_default_language else ""
    if isinstance(pattern, RoutePattern):
        return _ROUTE.sub(r"{\g<name>}", str(pattern))
    if isinstance(pattern, RegexPattern):
        simple: str = replace_metacharacters(replace_unnamed_groups(replace_named_groups(str(pattern))))
        return _SIMPLE.sub(r"{\g<name>}", simple.removeprefix("/"))
    return str(pattern)


def _schemas(pattern: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(pattern, LocalePrefixPattern):
        if pattern.prefix_default_language:
            yield "language", {"type": "string"}
        return
    converters: Mapping[str, object] = getattr(pattern, "converters", {})
    names: list[str] = re.findall(r"\{([^{}]*)\}", _part(pattern))
    for name in names:
        # Subclasses are described as text: they may accept other values.
        converter = converters.get(name)
        exact = next((schema for kind, schema in _SCHEMAS.items() if type(converter) is kind), {"type": "string"})
        yield name, dict(exact)

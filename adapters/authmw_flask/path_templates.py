"""OpenAPI's form of a Werkzeug rule: the path with ``{name}`` in it, and a Parameter Object for each name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
)
from werkzeug.routing.converters import NumberConverter

_LENGTH: Final = re.compile(r"\{(\d+)(,?)(\d*)\}$")


def template_of(rule: Rule) -> str:
    """The path of `rule`, without the path at which the application is mounted.

    >>> from werkzeug.routing import Map
    >>> template_of(Map([Rule("/orders/<int:number>")])._rules[0])
    '/orders/{number}'
    """
    return "".join(f"{{{part}}}" if is_name else part for is_name, part in _parts(rule))


def parameters_of(rule: Rule) -> tuple[dict[str, Any], ...]:
    """The Parameter Objects of the path of `rule` (OpenAPI 3.1.1 §4.8.12), made from its converters.

    A custom converter is described as text, since its other rules are unknown.

    >>> from werkzeug.routing import Map
    >>> parameters_of(Map([Rule("/orders/<int(min=1):number>")])._rules[0])[0]["schema"]
    {'type': 'integer', 'minimum': 1}
    """
    converters = cast("Mapping[str, BaseConverter]", cast("Any", rule)._converters)  # there is no public name for them
    names = dict.fromkeys(part for is_name, part in _parts(rule) if is_name)
    return tuple(_parameter(name, converters[name]) for name in names)


def _parts(rule: Rule) -> Iterator[tuple[bool, str]]:
    """Each part of the path, and whether it is a name. The parts before the bar belong to the host."""
    trace = cast("list[tuple[bool, str]]", cast("Any", rule)._trace)
    yield from trace[trace.index((False, "|")) + 1 :]


def _parameter(name: str, converter: BaseConverter) -> dict[str, Any]:
    parameter = {"name": name, "in": "path", "required": True, "schema": _schema(converter)}
    # OpenAPI has no path parameter with slashes (3.1.1 §4.8.12.1): a client that escapes them is understood as well.
    return {**parameter, "description": "May have slashes."} if type(converter) is PathConverter else parameter


def _schema(converter: BaseConverter) -> dict[str, Any]:
    # Subclasses are described as text: they may accept other values.
    describe = _SCHEMAS.get(type(converter))
    return {"type": "string"} if describe is None else describe(converter)


def _text(converter: BaseConverter) -> dict[str, Any]:
    """The schema of a text. Werkzeug keeps its lengths only in the regular expression."""
    least, is_range, most = match.groups() if (match := _LENGTH.search(converter.regex)) else ("1", ",", "")
    limits = {"minLength": int(least)}
    if not is_range or most:
        limits["maxLength"] = int(most or least)
    return {"type": "string", **limits}


def _number(converter: BaseConverter) -> dict[str, Any]:
    number = cast("NumberConverter", converter)
    if number.fixed_digits:
        sign = "-?" if number.signed else ""
        return {"type": "string", "pattern": f"^{sign}[0-9]+$", **_length(number.fixed_digits)}
    least: float | None = number.min
    if not number.signed:
        least = max(least or 0, 0)
    limits = {"minimum": least, "maximum": number.max}
    kind = "integer" if isinstance(number, IntegerConverter) else "number"
    return {"type": kind, **{name: limit for name, limit in limits.items() if limit is not None}}


def _length(length: int) -> dict[str, int]:
    return {"minLength": length, "maxLength": length}


def _choice(converter: BaseConverter) -> dict[str, Any]:
    return {"type": "string", "enum": sorted(cast("AnyConverter", converter).items)}


_SCHEMAS: Final[Mapping[type[BaseConverter], Callable[[BaseConverter], dict[str, Any]]]] = {
    UnicodeConverter: _text,
    IntegerConverter: _number,
    FloatConverter: _number,
    AnyConverter: _choice,
    PathConverter: lambda _: {"type": "string", "minLength": 1},
    UUIDConverter: lambda _: {"type": "string", "format": "uuid"},
}

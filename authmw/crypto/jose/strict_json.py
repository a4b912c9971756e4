"""Strict reader of JSON objects: it refuses input that two readers could understand differently (RFC 8725 §2.6, §3.7).

Python's `json` accepts UTF-16, UTF-32, a byte order mark, lone surrogates, ``NaN`` and duplicate names. This reader
refuses all of them, and deep nesting too.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Final, NoReturn, cast

DOUBLED: Final = "a name stands twice in a JSON object"
MAX_DEPTH: Final = 32
"""The largest depth of nested objects and arrays. The claims of real issuers need four."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_SPACE: Final = " \t\r\n"

JSONObject = dict[str, Any]


class Doubled(JSONObject):
    """Stands for an object in which a name stands twice. None of its members can be read."""


def parse_object(
    octets: bytes, *, max_depth: int = MAX_DEPTH, half_surrogates: bool = False, doubled_inside: bool = False
) -> JSONObject:
    """The JSON object in `octets`, which are strict UTF-8.

    Args:
        octets: the text.
        max_depth: the largest depth of nested objects and arrays.
        half_surrogates: whether strings may contain half of a surrogate pair, which cannot be encoded.
        doubled_inside: whether an object inside in which a name stands twice is a `Doubled`, and no mistake. The caller
            has to refuse each: see `holds_doubled`.

    Raises:
        ValueError: `octets` are something else. The message contains no part of them.

    >>> parse_object(b'{"sub": "alice"}')
    {'sub': 'alice'}
    >>> parse_object(b'{"sub": "alice", "sub": "bob"}')
    Traceback (most recent call last):
    ValueError: a name stands twice in a JSON object
    """
    value: JSONObject
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if text[:1] != "{":
        text = text.lstrip(_SPACE)
        if text[:1] != "{":
            raise ValueError("not a JSON object")
    # The count is cheaper than a look at each character: a few brackets cannot nest deeply.
    if text.count("{") + text.count("[") > max_depth and _depth(text) > max_depth:
        raise ValueError("JSON nested too deeply")
    try:
        value, end = (_marking_decoder if doubled_inside else _decoder).raw_decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at {error.pos}") from None
    except RecursionError:  # the calls around this one are deep already
        raise ValueError("JSON nested too deeply") from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise ValueError("something follows the JSON object")
    if isinstance(value, Doubled):
        raise ValueError(DOUBLED)
    # After strict UTF-8, only an escape can contain half of a surrogate pair.
    if "\\u" in text and not half_surrogates:
        _refuse_surrogates(value)
    return value  # an object, since it began with a brace


def holds_doubled(value: object) -> bool:
    """Whether `value`, a part of what `parse_object` returned, is or holds a `Doubled`."""
    if isinstance(value, dict):
        return isinstance(value, Doubled) or any(map(holds_doubled, cast("JSONObject", value).values()))
    return isinstance(value, list) and any(map(holds_doubled, cast("list[object]", value)))


def _unique(pairs: list[tuple[str, Any]]) -> JSONObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError(DOUBLED)
    return members


def _unique_or_doubled(pairs: list[tuple[str, Any]]) -> JSONObject:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Doubled()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number


_decoder, _marking_decoder = (
    json.JSONDecoder(object_pairs_hook=hook, parse_constant=_no_constant, parse_float=_finite)
    for hook in (_unique, _unique_or_doubled)
)


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_surrogates(value: JSONObject) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair") from None

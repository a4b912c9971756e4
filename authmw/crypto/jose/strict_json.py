"""Strict reader of JSON objects: it refuses input that two readers could understand differently (RFC 8725 §2.6, §3.7).

Python's `json` accepts UTF-16, UTF-32, a byte order mark, lone surrogates, ``NaN`` and duplicate names. This reader
refuses all of them, and deep nesting too.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
"""The largest depth of nested objects and arrays. The claims of real issuers need four."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_SPACE: Final = " \t\r\n"

JSONObject = dict[str, Any]


def parse_object(octets: bytes, *, max_depth: int = MAX_DEPTH, half_surrogates: bool = False) -> JSONObject:
    """The JSON object in `octets`, which are strict UTF-8.

    Args:
        octets: the text.
        max_depth: the largest depth of nested objects and arrays.
        half_surrogates: whether strings may contain half of a surrogate pair, which cannot be encoded.

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
        value, end = _decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at {error.pos}") from None
    except RecursionError:  # the calls around this one are deep already
        raise ValueError("JSON nested too deeply") from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise ValueError("something follows the JSON object")
    # After strict UTF-8, only an escape can contain half of a surrogate pair.
    if "\\u" in text and not half_surrogates:
        _refuse_surrogates(value)
    return value  # an object, since it began with a brace


def _unique(pairs: list[tuple[str, Any]]) -> JSONObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in a JSON object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number


_decoder: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


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

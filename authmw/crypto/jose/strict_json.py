"""JSON objects from a stranger, read so that no two readers can see different things in them (RFC 8725 §2.6, §3.7).

Python's `json` takes UTF-16, UTF-32, a byte order mark, lone surrogates, ``NaN`` and a name that stands twice. Each of
these is refused here, and so is nesting deep enough to hurt.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
"""Objects and arrays within each other. Claims of real issuers need four."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_SPACE: Final = " \t\r\n"

JSONObject = dict[str, Any]


def parse_object(octets: bytes) -> JSONObject:
    """The JSON object in `octets`, which are strict UTF-8.

    Raises:
        ValueError: it is anything else; the message holds nothing of it.

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
    # Cheaper than looking at each character: few brackets cannot nest deeply, wherever they stand.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise ValueError("JSON nested too deeply")
    try:
        value, end = _decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at {error.pos}") from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise ValueError("something follows the JSON object")
    # An escape is the only way left to write half a surrogate pair.
    if "\\u" in text:
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

"""Freshness lifetime of a response, from its headers (RFC 9111 §4.2.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_DIRECTIVE: Final = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*"?([^",]*)"?)?\s*(?:,|$)')
_SECONDS: Final = re.compile(r"[0-9]{1,10}")


def lifetime(headers: Mapping[str, str]) -> float | None:
    """Seconds for which a response with `headers` is fresh; None if they do not say.

    Args:
        headers: by name in lower case.

    >>> lifetime({"cache-control": "public, max-age=600", "age": "100"})
    500.0
    >>> lifetime({"cache-control": "no-store"})
    0.0
    """
    control = _directives(headers.get("cache-control", ""))
    if not control.keys().isdisjoint({"no-store", "no-cache"}):
        return 0.0
    age = _seconds(headers.get("age", "")) or 0
    fresh = _seconds(control.get("max-age", ""))
    if fresh is not None:
        return float(max(0, fresh - age))
    return _until(headers.get("expires"), headers.get("date"))


def _directives(value: str) -> dict[str, str]:
    return {name.lower(): argument or "" for name, argument in _DIRECTIVE.findall(value[:1024])}


def _seconds(value: str) -> int | None:
    return int(value) if _SECONDS.fullmatch(value.strip()) else None


def _until(expires: str | None, date: str | None) -> float | None:
    """Seconds from ``Date`` to ``Expires``, both times of the server: the clock of this machine does not matter."""
    if expires is None or date is None:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(expires) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0  # RFC 9111 §5.3: an invalid date means that it has expired

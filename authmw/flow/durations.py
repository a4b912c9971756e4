"""Durations in settings: a number of seconds, or a `datetime.timedelta`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import timedelta

Seconds: TypeAlias = "float | timedelta"
"""A number of seconds, or a timedelta."""


def in_seconds(value: Any) -> Any:
    """The seconds of a timedelta, as an int if they are whole. Any other value is returned unchanged.

    >>> from datetime import timedelta
    >>> in_seconds(timedelta(minutes=5)), in_seconds(timedelta(milliseconds=5)), in_seconds(7)
    (300, 0.005, 7)
    """
    if not hasattr(value, "total_seconds"):
        return value
    total: float = value.total_seconds()
    return int(total) if total.is_integer() else total


def seconds(value: Seconds, name: str) -> float:
    """`value` as a number of seconds.

    Raises:
        ConfigurationError: it is neither a number nor a timedelta.
    """
    number: Any = in_seconds(value)
    if type(number) not in (int, float):
        raise ConfigurationError(f"{name}={value!r} has to be a number of seconds or a timedelta")
    return cast("float", number)

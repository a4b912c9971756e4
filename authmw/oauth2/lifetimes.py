"""Lifetimes of the tokens and sessions of a token service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.durations import Seconds, in_seconds
from authmw.stores.records import LONGEST_ACCESS_TOKEN, LONGEST_TOKEN

MAX_GRACE: Final = 60
"""Seconds (RFC 9700 §4.14.2 leaves the detection of a replay to the server; this is how late it may be)."""

_DAY: Final = 86_400


@explains_arguments("Lifetimes(access=600)")
@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds that tokens and sessions live: ``TokenService(..., lifetimes=Lifetimes(access=300))``.

    Each may be a timedelta of whole seconds.

    Args:
        access: seconds an access token is good for; one day at most.
        refresh: seconds after a login until nothing refreshes it any more; 400 days at most.
        idle: seconds without a refresh that end a session; `refresh` at most.
        grace: seconds in which a refresh token that was just used gets the same successor again, for clients that
            refresh twice at once or lost the response; 60 at most, 0 for none.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> Lifetimes(access=300).refresh
    2592000
    """

    access: int = 600
    refresh: int = 30 * _DAY
    idle: int = 14 * _DAY
    grace: int = 30

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            access: Seconds = 600,
            refresh: Seconds = 30 * _DAY,
            idle: Seconds = 14 * _DAY,
            grace: Seconds = 30,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("access", "refresh", "idle", "grace"):
            object.__setattr__(self, name, in_seconds(getattr(self, name)))
        mistakes = [
            *_out_of_bounds("access", self.access, 1, int(LONGEST_ACCESS_TOKEN)),
            *_out_of_bounds("refresh", self.refresh, 1, int(LONGEST_TOKEN)),
            *_out_of_bounds("idle", self.idle, 1, int(LONGEST_TOKEN)),
            *_out_of_bounds("grace", self.grace, 0, MAX_GRACE),
            *_without_effect(self.idle, self.refresh),
        ]
        if mistakes:
            raise ConfigurationError(*mistakes)


def _out_of_bounds(name: str, value: object, least: int, most: int) -> list[str]:
    # Not a bool, nor 600.0: the value is written into responses and cookies as it stands.
    if type(value) is int and least <= value <= most:
        return []
    return [f"Lifetimes({name}={value!r}) has to be a number of seconds from {least} to {most}"]


def _without_effect(idle: object, refresh: object) -> list[str]:
    if type(idle) is int and type(refresh) is int and idle > refresh:
        return [f"Lifetimes(idle={idle}) is longer than refresh={refresh}: it would never end a session; shorten it"]
    return []

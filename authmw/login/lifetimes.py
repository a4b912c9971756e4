"""Lifetimes of browser sessions, and of the links in mails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from authmw.errors import ConfigurationError, explains_arguments
from authmw.flow.durations import Seconds, in_seconds
from authmw.stores.records import LONGEST_TOKEN
from authmw.verifiers.session import SLACK

_HOUR: Final = 3600
_DAY: Final = 86_400


@explains_arguments("SessionLifetimes(idle=1800)")
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLifetimes:
    """Seconds that browser sessions and links live: ``LoginPages(..., lifetimes=SessionLifetimes(idle=1800))``.

    Each may be a timedelta. A use is written at most once per tenth of the idle lifetime, so that a session may live
    that much longer without a use, and never shorter (ASVS 7.3.1, 7.3.2).

    Args:
        idle: seconds without a request that end a session; `absolute` at most.
        absolute: seconds after the login that end a session in any case; 400 days at most.
        remembered_idle: as `idle`, for a user who asked to be remembered.
        remembered: as `absolute`, for a user who asked to be remembered.
        recovery: seconds that the link of a forgotten password is good for; one day at most.
        verification: seconds that the link which verifies an address is good for; seven days at most.
        step: seconds for the next step of a login; one hour at most.

    Raises:
        ConfigurationError: every mistake at once, each with its fix.

    >>> SessionLifetimes(idle=1800).absolute
    43200
    """

    idle: float = 2 * _HOUR
    absolute: float = 12 * _HOUR
    remembered_idle: float = 14 * _DAY
    remembered: float = 30 * _DAY
    recovery: float = _HOUR
    verification: float = _DAY
    step: float = 600

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            idle: Seconds = 2 * _HOUR,
            absolute: Seconds = 12 * _HOUR,
            remembered_idle: Seconds = 14 * _DAY,
            remembered: Seconds = 30 * _DAY,
            recovery: Seconds = _HOUR,
            verification: Seconds = _DAY,
            step: Seconds = 600,
        ) -> None: ...

    def __post_init__(self) -> None:
        longest = {"recovery": _DAY, "verification": 7 * _DAY, "step": _HOUR}
        mistakes: list[str] = []
        for name in _NAMES:
            given = in_seconds(getattr(self, name))
            object.__setattr__(self, name, given)
            most = longest.get(name, int(LONGEST_TOKEN))
            if type(given) not in (int, float) or not 1 <= given <= most:
                mistakes.append(f"SessionLifetimes({name}={given!r}) has to be a number of seconds from 1 to {most}")
        if not mistakes:
            for idle, absolute in (("idle", "absolute"), ("remembered_idle", "remembered")):
                if getattr(self, idle) > getattr(self, absolute):
                    mistakes.append(
                        f"SessionLifetimes({idle}={getattr(self, idle)}) is longer than "
                        f"{absolute}={getattr(self, absolute)}: it would never end a session; shorten it"
                    )
        if mistakes:
            raise ConfigurationError(*mistakes)

    def idle_for(self, *, remember: bool) -> float:
        """The ``idle_for`` of a session: the idle lifetime, and the tenth by which a use may be written late."""
        idle = self.remembered_idle if remember else self.idle
        return idle * (SLACK + 1) / SLACK

    def ends_after(self, *, remember: bool) -> float:
        """Seconds after the login that end a session in any case."""
        return self.remembered if remember else self.absolute


_NAMES: Final = ("idle", "absolute", "remembered_idle", "remembered", "recovery", "verification", "step")

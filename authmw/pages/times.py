"""Times for people: how long ago, in how long, and dates in UTC. No locale of the machine is used."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil, isfinite
from typing import Final

from authmw.pages.languages.texts import Texts

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_RECENT: Final = 7 * DAY
"""Up to here "3 days ago" says more than a date."""
_LAST: Final = 253_402_300_799.0  # the end of the year 9999: `datetime` goes no further


def ago(at: float, now: float, texts: Texts) -> str:
    """How long ago `at` was, or its date if that is a week or more.

    Args:
        at: seconds since the epoch. A time to come, from a clock that is ahead, is "just now".
        now: seconds since the epoch.
        texts: of the language.

    >>> from authmw.pages import texts_of
    >>> ago(0, 7200, texts_of("en")), ago(0, 1e9, texts_of("de"))
    ('2 hours ago', '1. Januar 1970')
    """
    seconds = _bounded(now) - _bounded(at)
    if seconds < MINUTE:
        return texts.just_now
    if seconds < HOUR:
        return texts.minutes_ago.of(int(seconds // MINUTE))
    if seconds < DAY:
        return texts.hours_ago.of(int(seconds // HOUR))
    if seconds < _RECENT:
        return texts.days_ago.of(int(seconds // DAY))
    return date(at, texts)


def soon(seconds: float, texts: Texts) -> str:
    """In how long something can be done, rounded up, so that nobody comes too early.

    >>> from authmw.pages import texts_of
    >>> soon(30, texts_of("en")), soon(61, texts_of("fr"))
    ('in 30 seconds', 'dans 2 minutes')
    """
    left = max(1, ceil(_bounded(seconds)))
    if left < MINUTE:
        return texts.in_seconds.of(left)
    if left < 2 * HOUR:
        return texts.in_minutes.of(ceil(left / MINUTE))
    return texts.in_hours.of(ceil(left / HOUR))


def lasting(seconds: float, texts: Texts) -> str:
    """How long something lasts, rounded down, so that nobody comes too late; a minute at least.

    >>> from authmw.pages import texts_of
    >>> lasting(1800, texts_of("en")), lasting(86_400, texts_of("es"))
    ('30 minutes', '1 día')
    """
    left = _bounded(seconds)
    if left >= 2 * DAY or left == DAY:
        return texts.lasting_days.of(int(left // DAY))
    if left >= 2 * HOUR or left == HOUR:
        return texts.lasting_hours.of(int(left // HOUR))
    return texts.lasting_minutes.of(max(1, int(left // MINUTE)))


def date(at: float, texts: Texts) -> str:
    """The date of `at` in UTC.

    >>> from authmw.pages import texts_of
    >>> date(1_772_323_200, texts_of("fr"))
    '1er mars 2026'
    """
    day = _utc(at)
    number = texts.first_day if day.day == 1 else str(day.day)
    return texts.date.format(day=number, month=texts.months[day.month - 1], year=day.year)


def date_and_time(at: float, texts: Texts) -> str:
    """The date and the time of `at` in UTC.

    >>> from authmw.pages import texts_of
    >>> date_and_time(1_772_323_200, texts_of("en"))
    '1 March 2026, 00:00 UTC'
    """
    return f"{date(at, texts)}, {_utc(at):%H:%M} UTC"


def machine_readable(at: float) -> str:
    """`at` for the attribute ``datetime`` (HTML Standard §4.5.14).

    >>> machine_readable(0)
    '1970-01-01T00:00:00Z'
    """
    return f"{_utc(at):%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(_bounded(at), UTC)


def _bounded(seconds: float) -> float:
    """`seconds`, where `datetime` can express it."""
    return min(max(0.0, seconds), _LAST) if isfinite(seconds) else 0.0

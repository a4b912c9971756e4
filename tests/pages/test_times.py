"""Times for people, in every language, without a locale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.pages import LANGUAGES, texts_of
from authmw.pages.times import ago, date, date_and_time, lasting, machine_readable, soon

NOW = 1_796_000_000.0
MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    "seconds, said",
    [
        (-100, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (HOUR - 1, "59 minutes ago"),
        (HOUR, "1 hour ago"),
        (DAY - 1, "23 hours ago"),
        (DAY, "1 day ago"),
        (7 * DAY - 1, "6 days ago"),
        (7 * DAY, "23 November 2026"),
    ],
)
def test_how_long_ago_it_was(seconds: int, said: str) -> None:
    assert ago(NOW - seconds, NOW, texts_of("en")) == said


@pytest.mark.parametrize(
    "seconds, said",
    [
        (0, "in 1 second"),
        (-5, "in 1 second"),
        (0.2, "in 1 second"),
        (59, "in 59 seconds"),
        (60, "in 1 minute"),
        (61, "in 2 minutes"),
        (2 * HOUR - 1, "in 120 minutes"),
        (2 * HOUR, "in 2 hours"),
        (2 * HOUR + 1, "in 3 hours"),
    ],
)
def test_nobody_is_told_to_come_too_early(seconds: float, said: str) -> None:
    assert soon(seconds, texts_of("en")) == said


@pytest.mark.parametrize(
    "seconds, said",
    [
        (1, "1 minute"),
        (119, "1 minute"),
        (1800, "30 minutes"),
        (HOUR, "1 hour"),
        (90 * MINUTE, "90 minutes"),
        (2 * HOUR, "2 hours"),
        (DAY, "1 day"),
        (DAY + HOUR, "25 hours"),
        (3 * DAY - 1, "2 days"),
    ],
)
def test_nobody_is_told_that_a_link_lasts_longer_than_it_does(seconds: float, said: str) -> None:
    assert lasting(seconds, texts_of("en")) == said


@pytest.mark.parametrize(
    "language, said",
    [
        ("en", "1 March 2026"),
        ("de", "1. März 2026"),
        ("fr", "1er mars 2026"),
        ("es", "1 de marzo de 2026"),
        ("pt", "1 de março de 2026"),
        ("zh", "2026 年 3 月 1 日"),
    ],
)
def test_a_date_is_written_as_in_its_language(language: str, said: str) -> None:
    assert date(1_772_323_200, texts_of(language)) == said
    assert date_and_time(1_772_323_200 + 61, texts_of(language)) == f"{said}, 00:01 UTC"


@given(st.floats(), st.floats(), st.sampled_from(LANGUAGES))
def test_any_number_is_a_time(at: float, now: float, language: str) -> None:
    texts = texts_of(language)
    for said in (ago(at, now, texts), soon(at, texts), lasting(at, texts), date_and_time(at, texts)):
        assert said
        assert "{" not in said
    assert len(machine_readable(at)) == len("1970-01-01T00:00:00Z")

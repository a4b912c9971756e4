"""Judgement of what was seen: which answers were wrong, given what was done to the servers and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.soak.notes import Seen

AFTERWARDS: Final = 2.0
"""Seconds after the end of an outage in which a 503 is still right."""
RESTART: Final = 5.0
"""Seconds after workers were replaced in which a connection may end without an answer, or wait for a worker."""
_UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class Event:
    """What was done.

    Args:
        name: for people.
        began: on the clock that is never set.
        ended: likewise.
        is_outage: a store was away; else servers were disturbed.
    """

    name: str
    began: float
    ended: float
    is_outage: bool

    def covers(self, seen: Seen) -> bool:
        """Whether `seen` may have felt it."""
        afterwards = AFTERWARDS if self.is_outage else RESTART
        return seen.answered_at >= self.began and seen.asked_at <= self.ended + afterwards


def fault_in(seen: Seen, events: Sequence[Event], slack: float) -> str:
    """What is wrong with an answer; empty if nothing is.

    Args:
        seen: the answer.
        events: what was done.
        slack: seconds that a request may take longer, on a machine that does something else too.
    """
    felt = [event for event in events if event.covers(seen)]
    away = any(event.is_outage for event in felt)
    restarted = any(not event.is_outage for event in felt)
    seconds = seen.answered_at - seen.asked_at
    during = f"{seen.kind} during {', '.join(event.name for event in felt) or 'calm'}"
    if seen.status and seen.mistake:
        return f"{during}: {seen.mistake}"
    if seconds > seen.longest + slack and not restarted:
        return f"{during}: took {seconds:.1f} s"
    if not seen.status:
        return "" if restarted else f"{during}: no answer ({seen.mistake})"
    if seen.status in seen.right or (seen.status == _UNAVAILABLE and seen.needs_store and (away or restarted)):
        return ""
    what = "wrongly accepted" if seen.status < 300 else "wrongly refused" if seen.status < 500 else "failed"
    before = [
        f"{seen.asked_at - event.ended:.1f} s after {event.name}" for event in events if event.ended < seen.asked_at
    ]
    shown = f"after {seconds:.2f} s, {before[-1] if before else 'at the begin'}: {seen.body}"
    return f"{during}: {what} with {seen.status} {shown}, right is {seen.right}"


def summary(seen: Sequence[Seen], event: Event) -> str:
    """One line about an event: how many requests felt it, how they were answered, and how long the slowest took."""
    felt = [each for each in seen if each.answered_at >= event.began and each.asked_at <= event.ended]
    answers = told(Counter(each.status for each in felt))
    times = sorted(each.answered_at - each.asked_at for each in felt) or [0.0]
    free = sorted(each.answered_at - each.asked_at for each in felt if not each.needs_store) or [0.0]
    middle, high = times[len(times) // 2], times[int(len(times) * 0.99)]
    return (
        f"{event.name:26} {len(felt):6} requests: {answers}; median {middle:.2f} s, 99 % {high:.2f} s, longest "
        f"{times[-1]:.2f} s, without a store {free[-1]:.2f} s"
    )


def told(answers: Mapping[int, int]) -> str:
    """How many answers there were of each status."""
    return ", ".join(f"{count} with {status or 'no answer'}" for status, count in sorted(answers.items()))

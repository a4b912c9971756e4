"""Notes of a soak: each request with its answer, and the answers that are right for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.fleet.asking import Answer

LONGEST: Final = 4.0
"""Seconds that a request may take: two for the store, and as long for a thread that waits for it."""
_SHOWN: Final = 200
Check = Callable[[Answer], str]
"""What is wrong with an answer whose status is right; empty if nothing is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer, as far as it is judged.

    Args:
        kind: the kind of request, with its server.
        status: 0 where there was no answer.
        asked_at: on the clock that is never set.
        answered_at: likewise.
        right: the statuses that are right while all is well.
        needs_store: whether a store is asked, so that a 503 is right while one is away.
        mistake: what else is wrong: another identity than that of the caller.
        longest: the seconds that it may take.
        body: the begin of an answer that is not right, for people.
    """

    kind: str
    status: int
    asked_at: float
    answered_at: float
    right: tuple[int, ...]
    needs_store: bool
    mistake: str = ""
    longest: float = LONGEST
    body: str = ""


class Notes:
    """What was seen so far, by all threads of a soak.

    Args:
        bound: seconds after which a revocation is honoured everywhere.
    """

    def __init__(self, bound: float) -> None:
        self.bound = bound
        self.ended = threading.Event()
        """Set when the soak ends."""
        self._seen: list[Seen] = []
        self._lock = threading.Lock()

    def taken(self) -> list[Seen]:
        """What was seen since the last time."""
        with self._lock:
            seen, self._seen = self._seen, []
        return seen

    def note(
        self,
        kind: str,
        call: Callable[[], Answer],
        right: tuple[int, ...],
        check: Check | None = None,
        *,
        needs_store: bool = True,
        longest: float = LONGEST,
    ) -> Answer | None:
        """Make a request, and remember how it was answered; None where it was not.

        Args:
            kind: see `Seen`.
            call: makes the request.
            right: see `Seen`.
            check: judges an answer whose status is right.
            needs_store: see `Seen`.
            longest: see `Seen`.
        """
        asked_at = time.monotonic()
        answer: Answer | None
        body = ""
        try:
            answer = call()
        except Exception as error:  # the connection ended, or what came is no HTTP
            answer, status, mistake = None, 0, type(error).__name__
        else:
            status = answer.status
            mistake = check(answer) if check is not None and status in right else ""
            if status not in right:
                body = answer.reply.body[:_SHOWN].decode(errors="replace")
        seen = Seen(kind, status, asked_at, time.monotonic(), right, needs_store, mistake, longest, body)
        with self._lock:
            self._seen.append(seen)
        return answer


def is_of(name: str) -> Check:
    """That the caller is taken for `name`."""
    return lambda answer: "" if answer.json["id"] == name else "taken for another"

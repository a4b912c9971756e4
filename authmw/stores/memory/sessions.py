"""In-memory store of browser sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.stores.memory.sweep import Sweep
from authmw.stores.renewal import renewed
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome


@CallMode.NONBLOCKING
class MemorySessions:
    """Browser sessions in memory (`SessionStore`). Those that have ended are dropped when new ones are added.

    Args:
        clock: seconds since the epoch.

    >>> MemorySessions().sessions_of("alice", 0.0)
    ()
    """

    def __init__(self, *, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._by_id: dict[str, BrowserSession] = {}
        self._ids: dict[str, str] = {}
        self._sweep = Sweep()
        self._lock = threading.Lock()

    def add_session(self, session: BrowserSession) -> None:
        """Store a new session."""
        with self._lock:
            now = self._clock()
            for ended in self._sweep.drop(self._by_id, lambda each: not each.is_live(now)):
                del self._ids[ended.key]
            self._ids[session.key] = session.id
            self._by_id[session.id] = session

    def find_session(self, key: str) -> BrowserSession | None:
        """The session with that key, or None."""
        return self._by_id.get(self._ids.get(key, ""))

    def renew_session(self, renewal: Renewal) -> RenewalAnswer:
        """Replace the presented value by its successor; see `authmw.stores.SessionStore.renew_session`."""
        with self._lock:
            answer = renewed(self.find_session(renewal.key), renewal)
            if answer.session is not None and answer.outcome is RenewalOutcome.RENEWED:
                self._by_id[answer.session.id] = answer.session
            return answer

    def touch_session(self, key: str, at: float) -> None:
        """Store `at` as the time of the last use, and extend the session by it."""
        with self._lock:
            session = self.find_session(key)
            if session is not None and session.is_live(at) and at > session.last_used_at:
                idle_until = min(max(session.idle_until, at + session.idle_for), session.expires_at)
                self._by_id[session.id] = replace(session, last_used_at=at, idle_until=idle_until)

    def end_session(self, session_id: str, at: float) -> BrowserSession | None:
        """End the session with that id. Answers the session, even if it had ended before, or None."""
        with self._lock:
            session = self._by_id.get(session_id)
            return session if session is None or session.ended_at is not None else self._end(session, at)

    def end_sessions(self, subject: str, at: float, keep: str = "") -> tuple[BrowserSession, ...]:
        """End every live session of a subject but the one with the id `keep`. Answers those that this call ended."""
        with self._lock:
            live = [each for each in self._of(subject) if each.id != keep and each.is_live(at)]
            return tuple(self._end(session, at) for session in live)

    def sessions_of(self, subject: str, now: float) -> tuple[BrowserSession, ...]:
        """The live sessions of a subject, oldest first."""
        with self._lock:
            return tuple(each for each in self._of(subject) if each.is_live(now))

    def of_user(self, subject: str) -> tuple[BrowserSession, ...]:
        """Every session of a user, also those that have ended, oldest first."""
        with self._lock:
            return tuple(self._of(subject))

    def erase(self, subject: str) -> None:
        """Delete the sessions of a user, as the user is deleted."""
        with self._lock:
            for session in self._of(subject):
                del self._by_id[session.id], self._ids[session.key]

    def _of(self, subject: str) -> list[BrowserSession]:
        found = [each for each in self._by_id.values() if each.subject == subject]
        return sorted(found, key=lambda session: (session.created_at, session.id))

    def _end(self, session: BrowserSession, at: float) -> BrowserSession:
        ended = self._by_id[session.id] = replace(session, ended_at=at)
        return ended

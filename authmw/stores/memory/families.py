"""In-memory store of refresh families."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.stores.memory.sweep import Sweep
from authmw.stores.records import RefreshFamily, Rotation, RotationAnswer
from authmw.stores.rotation import rotated


@CallMode.NONBLOCKING
class MemoryFamilies:
    """Refresh families in memory (`FamilyStore`). Those that have ended are dropped when new ones are added.

    Args:
        clock: seconds since the epoch.

    >>> families = MemoryFamilies()
    >>> families.families_of("alice", 0.0)
    ()
    """

    def __init__(self, *, clock: Callable[[], float] = now) -> None:
        self._clock = clock
        self._by_id: dict[str, RefreshFamily] = {}
        self._ids: dict[str, str] = {}
        self._sweep = Sweep()
        self._lock = threading.Lock()

    def add_family(self, family: RefreshFamily) -> None:
        """Store a new family."""
        with self._lock:
            now = self._clock()
            for ended in self._sweep.drop(self._by_id, lambda each: not each.is_live(now)):
                del self._ids[ended.key]
            self._ids[family.key] = family.id
            self._by_id[family.id] = family

    def find_family(self, key: str) -> RefreshFamily | None:
        """The family with that key, or None."""
        return self._by_id.get(self._ids.get(key, ""))

    def rotate(self, rotation: Rotation) -> RotationAnswer:
        """Replace the presented token by its successor; see `authmw.stores.FamilyStore.rotate`."""
        with self._lock:
            answer = rotated(self.find_family(rotation.key), rotation)
            if answer.family is not None:
                self._by_id[answer.family.id] = answer.family
            return answer

    def end_family(self, family_id: str, at: float) -> RefreshFamily | None:
        """Revoke the family with that id. Answers the family, even if it had ended before, or None."""
        with self._lock:
            family = self._by_id.get(family_id)
            return family if family is None or family.revoked_at is not None else self._revoke(family, at)

    def end_families(self, subject: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every live family of a subject. Answers those that this call revoked."""
        return self._end(lambda family: family.subject == subject, at)

    def end_session_families(self, session_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every live family of a browser session. Answers those that this call revoked."""
        return self._end(lambda family: family.session_id == session_id, at)

    def end_client_families(self, client_id: str, at: float) -> tuple[RefreshFamily, ...]:
        """Revoke every live family of a client. Answers those that this call revoked."""
        return self._end(lambda family: family.client_id == client_id, at)

    def families_of(self, subject: str, now: float) -> tuple[RefreshFamily, ...]:
        """The live families of a subject, oldest first."""
        with self._lock:
            live = [each for each in self._by_id.values() if each.subject == subject and each.is_live(now)]
        return tuple(sorted(live, key=lambda family: family.created_at))

    def of_user(self, subject: str) -> tuple[RefreshFamily, ...]:
        """Every family of a user, also those that have ended, oldest first."""
        with self._lock:
            found = [each for each in self._by_id.values() if each.subject == subject]
        return tuple(sorted(found, key=lambda family: family.created_at))

    def erase(self, subject: str) -> None:
        """Delete the families of a user, as the user is deleted."""
        with self._lock:
            for family in [each for each in self._by_id.values() if each.subject == subject]:
                del self._by_id[family.id], self._ids[family.key]

    def rename(self, subject: str, username: str) -> None:
        """Give the families of a user the new name of the user."""
        with self._lock:
            for family in [each for each in self._by_id.values() if each.subject == subject]:
                self._by_id[family.id] = replace(family, username=username)

    def _end(self, matches: Callable[[RefreshFamily], bool], at: float) -> tuple[RefreshFamily, ...]:
        with self._lock:
            live = [each for each in self._by_id.values() if matches(each) and each.is_live(at)]
            return tuple(self._revoke(family, at) for family in live)

    def _revoke(self, family: RefreshFamily, at: float) -> RefreshFamily:
        revoked = self._by_id[family.id] = replace(family, revoked_at=at)
        return revoked

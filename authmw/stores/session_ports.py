"""Ports for people in browsers: sessions, what is pending, and users by their id or address.

What `authmw.stores.ports` says of every port holds for these too.
"""

from __future__ import annotations

from typing import Protocol

from authmw.stores.ports import Answer
from authmw.stores.records import User
from authmw.stores.session_records import BrowserSession, Pending, Renewal, RenewalAnswer


class SessionStore(Protocol):
    """Keeps browser sessions."""

    def add_session(self, session: BrowserSession, /) -> Answer[None]:
        """Store a new session."""
        ...

    def find_session(self, key: str, /) -> Answer[BrowserSession | None]:
        """The session with that key, also one that has ended, or None."""
        ...

    def renew_session(self, renewal: Renewal, /) -> Answer[RenewalAnswer]:
        """Replace the presented value by its successor, atomically. The first rule that applies decides:

        1. no session has the key: UNKNOWN;
        2. the session is ended, or one of its ends is ``<= now``: ENDED;
        3. the presented value is the current one: RENEWED. ``previous``, ``current``, ``salt``, ``renewed_at``,
           ``scopes``, ``last_used_at`` and ``idle_until`` (never beyond ``expires_at``) are set anew, and with them
           what the renewal names of ``authenticated_at``, ``amr`` and ``acr``;
        4. the presented value is the previous one, ``grace > 0`` and ``now - renewed_at <= grace``: RACED. Nothing is
           changed;
        5. any other value: UNKNOWN. Nothing is changed.
        """
        ...

    def touch_session(self, key: str, at: float, /) -> Answer[None]:
        """Store `at` as the time of the last use, and extend ``idle_until`` by it (never beyond ``expires_at``).

        Only for a session that is live at `at`, and never back in time.
        """
        ...

    def end_session(self, session_id: str, at: float, /) -> Answer[BrowserSession | None]:
        """End the session with that id. Answers the session, even if it had ended before, or None."""
        ...

    def end_sessions(self, subject: str, at: float, keep: str = "", /) -> Answer[tuple[BrowserSession, ...]]:
        """End every live session of a subject but the one with the id `keep`. Answers those that this call ended."""
        ...

    def sessions_of(self, subject: str, now: float, /) -> Answer[tuple[BrowserSession, ...]]:
        """The live sessions of a subject, oldest first."""
        ...


class PendingStore(Protocol):
    """Keeps what a person has begun, until it is finished once or expires."""

    def put_pending(self, pending: Pending, /) -> Answer[None]:
        """Store it."""
        ...

    def peek_pending(self, digest: str, kind: str, now: float, /) -> Answer[Pending | None]:
        """What has that digest and kind and has not expired, or None. It stays."""
        ...

    def take_pending(self, digest: str, kind: str, now: float, /) -> Answer[Pending | None]:
        """As `peek_pending`, and remove it, atomically: of calls at the same time, one gets it."""
        ...

    def drop_pending(self, subject: str, kind: str, /) -> Answer[None]:
        """Remove everything of that kind that is pending for a subject."""
        ...


class UserDirectory(Protocol):
    """Finds users by what does not change, and changes what a user may change of itself."""

    def find_by_id(self, user_id: str, /) -> Answer[User | None]:
        """The user with that id (compared exactly), or None."""
        ...

    def find_by_email(self, email: str, /) -> Answer[tuple[User, ...]]:
        """Every user with that address, compared without case; none for an empty one."""
        ...

    def change_password_hash(self, user_id: str, old: str | None, new: str, /) -> Answer[bool]:
        """Store `new`, the hash of another password, if the stored hash still is `old` (compare and set).

        Every HA1 of the user is dropped, since it is of the old password. True if it was stored.
        """
        ...

    def verify_email(self, user_id: str, email: str, /) -> Answer[bool]:
        """Note that the address belongs to the user, if `email` still is the user's address. True if it is."""
        ...

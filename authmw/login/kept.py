"""Stores that logins of people need, and how they are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from authmw.errors import ConfigurationError
from authmw.stores.ports import FamilyStore, RevocationStore, Throttle, TokenKeeper, UserStore, require_methods
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.session_ports import PendingStore, SessionStore, UserDirectory
from authmw.stores.stores import as_stores
from authmw.verifiers.accounts import THROTTLE_VERBS

_ROLES: Final = {
    "users": ("find", "find_by_id", "find_by_email", "change_password_hash", "verify_email"),
    "sessions": ("add_session", "find_session", "renew_session", "end_session", "end_sessions", "sessions_of"),
    "pending": ("put_pending", "peek_pending", "take_pending", "drop_pending"),
    "families": ("end_family", "end_families", "end_session_families", "families_of"),
    "tokens": ("revoke_family_tokens", "revoke_subject_tokens"),
    "revocations": ("publish", "revocations_after", "find_revocations"),
    "throttle": THROTTLE_VERBS,
}


class LoginUsers(UserStore, UserDirectory, Protocol):
    """Users by name, by id and by address."""


class KeptForLogin:
    """The stores of a program that logs people in (`authmw.stores.revocation.TokenStores` among them).

    Args:
        stores: has all of them, as `SQLStores`.
        feed: the revocations that this process knows of.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: what is missing, all at once.
    """

    def __init__(self, stores: object, *, feed: RevocationFeed | None, clock: Callable[[], float]) -> None:
        given: Any = as_stores(stores)
        mistakes: list[str] = []
        for role, methods in _ROLES.items():
            store = getattr(given, role, None)
            if store is None:
                mistakes.append(f'LoginPages needs {role}: write LoginPages(session, SQLStores("sqlite:///app.db"))')
                continue
            try:
                require_methods(f"LoginPages(stores=...).{role}", store, *methods)
            except ConfigurationError as error:
                mistakes += error.mistakes
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.users: LoginUsers = given.users
        self.browser_sessions: SessionStore = given.sessions
        self.sessions: SessionStore | None = given.sessions
        self.pending: PendingStore = given.pending
        self.families: FamilyStore = given.families
        self.tokens: TokenKeeper = given.tokens
        self.revocations: RevocationStore = given.revocations
        self.throttle: Throttle = given.throttle
        self.feed: RevocationFeed | None = feed
        self.clock: Callable[[], float] = clock

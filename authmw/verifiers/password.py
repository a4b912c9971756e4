"""Verifier of user name and password, by a store of users."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ClassVar, Final, cast

from authmw.crypto.passwords import Match, PasswordHasher
from authmw.errors import Unavailable
from authmw.flow.flow import Ask, Flow, Work
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BasicCredentials
from authmw.identity.usernames import canonical_username
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import PasswordUpgrader, Throttle, UserStore, require_methods
from authmw.stores.records import User
from authmw.verifiers.accounts import Attempts, checked_user, principal_of

logger: Final = logging.getLogger("authmw.passwords")


class PasswordVerifier:
    """Verifies `BasicCredentials`, for `HTTPBasic` and for logins.

    The answer and its time do not tell whether a user exists. The store is asked the same questions, and the hash work
    is the same, for an unknown user, a disabled user, a user without a password, a throttled account, a wrong password
    and a text that cannot be a password. A name that no store can hold (over 256 bytes, control characters) costs the
    same work, but the store is not asked.

    Args:
        users: finds users. If it also has the method of `PasswordUpgrader`, an outdated hash is replaced after a
            successful login.
        hasher: verifies and makes hashes; argon2id with `RFC_9106_LOW_MEMORY` by default.
        throttle: counts attempts by account and by peer. With one that is also `FamiliarSources`, attempts from other
            sources do not make a user wait who comes from a source of an earlier login. Behind a proxy, configure the
            server to take the peer's address from the proxy.
        clock: seconds since the epoch, for the throttle.

    >>> from authmw import Auth, HTTPBasic
    >>> class Users:
    ...     def find(self, username: str) -> User | None:
    ...         return None
    >>> auth = Auth(HTTPBasic(PasswordVerifier(Users())))
    """

    accepts: ClassVar[tuple[type, ...]] = (BasicCredentials,)
    """The types of credentials that it verifies. A scheme of another type refuses it at construction."""
    scheme: str = ""
    """The name of the scheme that the verifier belongs to; goes into `Principal.scheme`."""

    def __init__(
        self,
        users: UserStore,
        *,
        hasher: PasswordHasher | None = None,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        require_methods("PasswordVerifier", users, "find")
        self.users = users
        self.hasher: PasswordHasher = hasher or PasswordHasher()
        self._attempts = Attempts(throttle, clock)
        self._upgrader = cast("PasswordUpgrader", users) if hasattr(users, "replace_password_hash") else None

    def verify(self, credentials: BasicCredentials, request: RequestHead, /) -> Flow[Verdict]:
        """Whether the password is the user's (RFC 7617 §2)."""
        user = yield from self.find_user(credentials, request)
        return user if isinstance(user, Rejected) else Authenticated(principal_of(user, self.scheme))

    def find_user(self, credentials: BasicCredentials, request: RequestHead, /) -> Flow[User | Rejected]:
        """The user, if the password is right, with the hash that it matched."""
        # An empty credential is no credential: it costs no work, and no store may be asked for it.
        if not credentials.username or not credentials.password:
            return Rejected(Reason.CREDENTIALS_MALFORMED, "an empty user name or password")
        refused = yield from self._attempts.from_source(request)
        if refused is not None:
            return refused
        name = canonical_username(credentials.username)
        if name is None:
            yield from Work(self.hasher.verify, password=credentials.password, hash=self.hasher.dummy)
            return Rejected(Reason.CREDENTIALS_MALFORMED, "a user name that no store can hold")
        user = checked_user((yield from Ask(self.users.find, name)))
        # The name as it is stored: with a store that ignores case, each spelling would otherwise have its own attempts.
        account = user.username if user is not None else name
        counted = yield from self._attempts.on_account(account, request)
        stored = user.password_hash if user is not None and not user.disabled else None
        match = yield from Work(self.hasher.verify, password=credentials.password, hash=stored or self.hasher.dummy)
        if counted.rejected is not None:
            return counted.rejected
        if user is None:
            return Rejected(Reason.USER_UNKNOWN)
        if user.disabled:
            return Rejected(Reason.USER_DISABLED)
        if not stored or (match is not Match.MATCH and match is not Match.MATCH_OUTDATED):
            return Rejected(Reason.PASSWORD_WRONG, "" if stored else "the user has no password")
        if match is Match.MATCH_OUTDATED:
            yield from self._upgrade(user, stored, credentials.password)
        yield from self._attempts.succeeded(counted, request)
        return user

    def still_matches(self, user: User, credentials: BasicCredentials, /) -> Flow[bool]:
        """Whether `user`, an earlier answer of `find_user`, may still log in with `credentials`."""
        now = checked_user((yield from Ask(self.users.find, canonical_username(credentials.username) or "")))
        if now is None or now.id != user.id or now.disabled or not now.password_hash:
            return False
        if now.password_hash == user.password_hash:
            return True
        # The hash has changed: it is a new hash of the same password, or the hash of another password.
        match = yield from Work(self.hasher.verify, password=credentials.password, hash=now.password_hash)
        return match is Match.MATCH or match is Match.MATCH_OUTDATED

    def _upgrade(self, user: User, old: str, password: str) -> Flow[None]:
        """Replace an outdated hash, unless it was replaced meanwhile. If this fails, the login still succeeds."""
        if self._upgrader is None:
            return
        try:
            new = yield from Work(self.hasher.hash, password)
            yield from Ask(self._upgrader.replace_password_hash, user.id, old, new)
        except Unavailable as error:
            cause = type(error.__cause__ or error).__name__
            logger.warning("authmw could not replace an outdated password hash principal=%r cause=%s", user.id, cause)

"""Verifier of user name and password, by a store of users, and what Basic spares: a hash for each request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, ClassVar, Final, cast

from authmw.crypto.passwords import Match, PasswordHasher
from authmw.errors import ConfigurationError, Unavailable, explains_arguments
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.flow.flow import Ask, Flow, Work
from authmw.flow.shared_flow import shared
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BasicCredentials
from authmw.identity.usernames import canonical_username
from authmw.identity.validity import Validity
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.ports import PasswordUpgrader, Throttle, UserStore, require_methods
from authmw.stores.records import User
from authmw.stores.revoked import Issuance
from authmw.verifiers.accounts import Attempts, checked_user, principal_of, source_key
from authmw.verifiers.password_memory import LONGEST_REMEMBERED, Asker, PasswordMemory

if TYPE_CHECKING:
    from authmw.stores.revocation_feed import RevocationFeed

logger: Final = logging.getLogger("authmw.passwords")


@explains_arguments("PasswordVerifier(stores.users)")
class PasswordVerifier:
    """Verifies `BasicCredentials`, for `HTTPBasic` and for logins.

    The answer and its time do not tell whether a user exists. The store is asked the same questions, and the hash work
    is the same, for an unknown user, a disabled user, a user without a password, a wrong password and a text that
    cannot be a password. A name that no store can hold (over 256 bytes, control characters) costs the same work, but
    the store is not asked. While no check is free for an account, whether it exists or not, nothing is hashed.

    That a password was right is remembered for `remember_for` seconds, for the source that it came from, as a digest
    under a random key of the process. Within that time the store is still asked for the user, so that a new password,
    a disabled user and new scopes count at once; the hash and the throttle are spared. Of requests at the same time
    with the same name, password and source, one is checked, and the others get its result. A wrong password is never
    remembered, and costs the same whether or not the right one is.

    Args:
        users: finds users. If it also has the method of `PasswordUpgrader`, an outdated hash is replaced after a
            successful login.
        hasher: verifies and makes hashes; argon2id with `RFC_9106_LOW_MEMORY` by default.
        throttle: limits attempts by account and by peer. Attempts from other sources do not make a user wait who comes
            from a source of an earlier login. Behind a proxy, configure the server to take the peer's address from the
            proxy.
        clock: seconds since the epoch, for the throttle.

    >>> from authmw import Auth, HTTPBasic
    >>> class Users:
    ...     def find(self, username: str) -> User | None:
    ...         return None
    >>> auth = Auth(HTTPBasic(PasswordVerifier(Users())))
    """

    asks: ClassVar[tuple[str, ...]] = ("find", "replace_password_hash")
    """The methods of stores that it calls."""
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
        remember_for: Seconds = 60.0,
        revocations: RevocationFeed | None = None,
        clock: Callable[[], float] = now,
    ) -> None:
        require_methods("PasswordVerifier", users, "find")
        if revocations is not None:
            require_methods("revocations=", revocations, "check", "passes", "refuses", "unknown_before")
        self.remember_for: float = seconds(remember_for, "remember_for")
        """Seconds for which a right password is remembered; 0 for never."""
        if not 0 <= self.remember_for <= LONGEST_REMEMBERED:
            raise ConfigurationError(
                f"PasswordVerifier(remember_for={remember_for!r}): a right password is remembered for 0 (never) to "
                f"{LONGEST_REMEMBERED:.0f} seconds"
            )
        self.users = users
        self.hasher: PasswordHasher = hasher or PasswordHasher()
        self._attempts = Attempts(throttle, clock)
        self._revocations = revocations
        self._clock = clock
        self._memory = PasswordMemory(self.remember_for, clock, revocations) if self.remember_for else None
        self._upgrader = cast("PasswordUpgrader", users) if hasattr(users, "replace_password_hash") else None

    def verify(self, credentials: BasicCredentials, request: RequestHead, /) -> Flow[Verdict]:
        """Whether the password is the user's (RFC 7617 §2)."""
        began = self._clock()
        user = yield from self.find_user(credentials, request)
        if isinstance(user, Rejected):
            return user
        return Authenticated(principal_of(user, self.scheme), validities=self._validities(user, began))

    def _validities(self, user: User, at: float) -> tuple[Validity, ...]:
        """A password does not expire. With a feed, a connection ends when its user is disabled or has a new one."""
        if self._revocations is None:
            return ()
        return (Validity(inf, self._clock, self._revocations, Issuance(None, None, user.id, None, at)),)

    def find_user(self, credentials: BasicCredentials, request: RequestHead, /) -> Flow[User | Rejected]:
        """The user, if the password is right, with the hash that it matched."""
        # An empty credential is no credential: it costs no work, and no store may be asked for it.
        if not credentials.username or not credentials.password:
            return Rejected(Reason.CREDENTIALS_MALFORMED, "an empty user name or password")
        name = canonical_username(credentials.username)
        if name is None:
            return (yield from self._attempts.from_source(request, self._check_nobody(credentials.password)))
        if self._memory is not None:
            asker = (name, source_key(request.client))
            return (yield from self._find_remembered(self._memory, asker, credentials.password, request))
        found = yield from self._log_in(
            checked_user((yield from Ask(self.users.find, name))), name, credentials.password, request
        )
        return found if isinstance(found, Rejected) else found[0]

    def _find_remembered(
        self, memory: PasswordMemory, asker: Asker, password: str, request: RequestHead
    ) -> Flow[User | Rejected]:
        """As `find_user`, but a password that was right a moment ago, or is being checked, is not hashed again."""
        known = memory.user_of(asker, password)
        if isinstance(known, User):
            return known
        began = memory.now()
        user = checked_user((yield from Ask(self.users.find, asker[0])))
        stored = _hash_of(user)
        # The same for nobody: the proof is that for the hash which the password will be compared with.
        proof = memory.proof(user, stored or self.hasher.dummy, password)
        recalled = yield from memory.recall(asker, proof, user if stored else None, began, known)
        if recalled is not None:
            return recalled

        def check() -> Flow[User | Rejected]:
            known = memory.proved_meanwhile(asker, proof, user)
            if known is not None:
                return known
            found = yield from self._log_in(user, asker[0], password, request)
            if not isinstance(found, Rejected):
                # With the hash that is stored now, so that its replacement does not end what is remembered.
                memory.keep(asker, memory.proof(*found, password), *found, began)
                return found[0]
            if found.retry_after is not None:
                # What the throttle did not let pass was compared with what is remembered: no second guess is.
                memory.forget(asker)
            return found

        found = yield from shared(memory.flights, (asker, proof), check)
        # Of another request it is only the result. The user is the one that this request has found.
        return found if isinstance(found, Rejected) else user or found

    def _log_in(
        self, user: User | None, name: str, password: str, request: RequestHead
    ) -> Flow[tuple[User, str] | Rejected]:
        """The user and the hash that is stored now, if the password is right."""
        # The name as it is stored: with a store that ignores case, each spelling would otherwise have its own attempts.
        account = user.username if user is not None else name
        found = yield from self._attempts.on_account(account, request, self._check(user, password))
        if isinstance(found, Rejected):
            return found
        user, is_outdated = found
        stored = _hash_of(user)
        if is_outdated and stored:
            stored = (yield from self._upgrade(user, stored, password)) or stored
        return user, stored

    def _check(self, user: User | None, password: str) -> Flow[tuple[User, bool] | Rejected]:
        """The user, if the password is right, and whether its hash is outdated. The work is the same for nobody."""
        stored = _hash_of(user)
        match = yield from Work(self.hasher.verify, password=password, hash=stored or self.hasher.dummy)
        if user is None:
            return Rejected(Reason.USER_UNKNOWN)
        if user.disabled:
            return Rejected(Reason.USER_DISABLED)
        if not stored or (match is not Match.MATCH and match is not Match.MATCH_OUTDATED):
            return self._mismatch(stored)
        return user, match is Match.MATCH_OUTDATED

    def _check_nobody(self, password: str) -> Flow[User | Rejected]:
        """The refusal of a name that no store can hold, after the same work."""
        yield from Work(self.hasher.verify, password=password, hash=self.hasher.dummy)
        return Rejected(Reason.CREDENTIALS_MALFORMED, "a user name that no store can hold")

    def _mismatch(self, stored: str) -> Rejected:
        """The refusal of a password that is not that of the `stored` hash. The client cannot tell the reasons apart."""
        if not stored:
            return Rejected(Reason.PASSWORD_WRONG, "the user has no password")
        problem = self.hasher.problem_with(stored)
        return Rejected(Reason.PASSWORD_HASH_UNKNOWN, problem) if problem else Rejected(Reason.PASSWORD_WRONG)

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

    def _upgrade(self, user: User, old: str, password: str) -> Flow[str | None]:
        """Replace an outdated hash, unless it was replaced meanwhile. If this fails, the login still succeeds.

        Returns:
            The new hash, if it is stored now.
        """
        if self._upgrader is None:
            return None
        try:
            new = yield from Work(self.hasher.hash, password)
            is_stored = yield from Ask(self._upgrader.replace_password_hash, user.id, old, new)
        except Unavailable as error:
            cause = type(error.__cause__ or error).__name__
            logger.warning("authmw could not replace an outdated password hash principal=%r cause=%s", user.id, cause)
            return None
        return new if is_stored is True else None


def _hash_of(user: User | None) -> str:
    """The hash that a password of `user` has to match; empty if the user cannot log in by password."""
    return "" if user is None or user.disabled else user.password_hash or ""

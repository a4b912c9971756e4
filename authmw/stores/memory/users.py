"""In-memory store of users."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.crypto.opaque_tokens import new_id
from authmw.flow.call_mode import CallMode
from authmw.flow.clocks import now
from authmw.identity.scopes import checked_scopes
from authmw.identity.usernames import canonical_username
from authmw.stores.administration import NO_ATTRIBUTES, AlreadyExists, NotFound
from authmw.stores.memory.subjects import Subjects
from authmw.stores.new_records import DIGEST_ALGORITHMS, HA1, Hasher, checked_email, checked_username, hashed, make_user
from authmw.stores.personal_data import document_of
from authmw.stores.records import DigestUser, User
from authmw.stores.throttling import account_key
from authmw.stores.told_changes import changes_user

_Realm = tuple[str, DigestAlgorithm]


@CallMode.NONBLOCKING
class MemoryUsers:
    """Users, their password hashes and their HA1, in memory (`UserStore`, `PasswordUpgrader`, `DigestStore`).

    Args:
        hasher: hashes new passwords; `PasswordHasher` with its default profile unless given.
        digest_algorithms: an HA1 is kept for each of these, for users with a ``digest_realm``.
        clock: seconds since the epoch.
        subjects: the ids that are taken already; revokes tokens and sessions when a user is disabled.

    >>> users = MemoryUsers()
    >>> users.create("alice", scopes=["orders:read"]).id
    'alice'
    """

    def __init__(
        self,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = now,
        subjects: Subjects | None = None,
    ) -> None:
        self._hasher = hasher
        self.digest_algorithms: tuple[DigestAlgorithm, ...] = tuple(digest_algorithms)
        """An HA1 is kept for each of these."""
        self._clock = clock
        self._by_name: dict[str, User] = {}
        self._names_by_id: dict[str, str] = {}
        self._created_at: dict[str, float] = {}
        self._digests: dict[str, dict[_Realm, HA1]] = {}
        self._names_by_userhash: dict[tuple[str, _Realm], str] = {}
        self._subjects = subjects or Subjects()
        self._lock = threading.Lock()

    @property
    def disabled_since(self) -> Mapping[str, float]:
        """Id → time of disabling, of each disabled user or client. `MemoryApiKeys` and `MemoryTokens` read it."""
        return self._subjects.disabled_since

    def find(self, username: str) -> User | None:
        """The user with that name, or None."""
        user = self._by_name.get(username)
        return user if user is not None or username.isascii() else self._by_name.get(canonical_username(username) or "")

    def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        """The user with that name, with the HA1 for `realm` and `algorithm`, or None."""
        user = self.find(username)
        if user is None:
            return None
        known = self._digests.get(user.username, {}).get((realm, algorithm))
        return None if known is None else DigestUser(user, known.ha1)

    def find_digest_by_userhash(self, userhash: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        """As `find_digest`, but by ``H(username ":" realm)``."""
        username = self._names_by_userhash.get((userhash, (realm, algorithm)))
        return None if username is None else self.find_digest(username, realm, algorithm)

    def find_by_id(self, user_id: str) -> User | None:
        """The user with that id, or None."""
        return self._by_name.get(self._names_by_id.get(user_id, ""))

    def find_by_email(self, email: str) -> tuple[User, ...]:
        """Every user with that address, compared without case, by name."""
        wanted = email.casefold()
        return tuple(each for each in self.list() if each.email.casefold() == wanted) if wanted else ()

    def change_password_hash(self, user_id: str, old: str | None, new: str) -> bool:
        """Store `new`, the hash of another password, if the hash still is `old`. True if it was stored."""
        with self._lock:
            user = self.find_by_id(user_id)
            if user is None or user.password_hash != old:
                return False
            self._drop_digests(user.username)
            self._by_name[user.username] = replace(user, password_hash=new)
            return True

    def verify_email(self, user_id: str, email: str) -> bool:
        """Note that the address belongs to the user, if it still is the user's. True if it is."""
        with self._lock:
            user = self.find_by_id(user_id)
            if user is None or not email or user.email != email:
                return False
            self._by_name[user.username] = replace(user, email_verified=True)
            return True

    def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        """Store `new` if the hash still is `old`. True if it was stored."""
        with self._lock:
            user = self._by_name.get(self._names_by_id.get(user_id, ""))
            if user is None or user.password_hash != old:
                return False
            self._by_name[user.username] = replace(user, password_hash=new)
            return True

    @changes_user("created")
    def create(
        self,
        username: str,
        password: str | None = None,
        *,
        id: str | None = None,
        scopes: Iterable[str] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        digest_realm: str | None = None,
        password_hash: str | None = None,
        email: str = "",
        email_verified: bool = False,
        hasher: Hasher | None = None,
    ) -> User:
        """A new user; see `authmw.stores.UserAdmin.create`."""
        user = make_user(
            username,
            password,
            hasher or self._hasher,
            id=id,
            scopes=scopes,
            attributes=attributes,
            password_hash=password_hash,
            digest_realm=digest_realm,
            email=email,
            email_verified=email_verified,
        )
        if id is None and self._subjects.is_retired(user.id):
            user = replace(user, id=new_id("user"))
        digests = self._ha1s(user.username, password, () if digest_realm is None else (digest_realm,))
        with self._lock:
            if user.username in self._by_name or not self._subjects.take(user.id):
                raise AlreadyExists(f"there is a user {user.username!r}, or a user or client with that id, already")
            self._names_by_id[user.id] = user.username
            self._created_at[user.id] = self._clock()
            self._keep_digests(user.username, digests)
            self._by_name[user.username] = user
        return user

    def list(self) -> tuple[User, ...]:
        """Every user, by name."""
        with self._lock:
            return tuple(self._by_name[name] for name in sorted(self._by_name))

    @changes_user("disabled")
    def disable(self, username: str) -> User:
        """Refuse the user, and the user's keys and tokens, from now on. Ends the user's families and sessions."""
        with self._lock:
            user = self._change(username, disabled=True)
            at = self._clock()
            self._subjects.disabled_since.setdefault(user.id, at)
            self._subjects.end_user(user.id, at)
            return user

    @changes_user("enabled")
    def enable(self, username: str) -> User:
        """Undo `disable`, except that the tokens, families and sessions stay refused."""
        with self._lock:
            user = self._change(username, disabled=False)
            self._subjects.disabled_since.pop(user.id, None)
            return user

    @changes_user("password")
    def set_password(self, username: str, password: str, *, digest_realm: str | None = None) -> User:
        """Replace the password, and each HA1 that is kept. Revokes what was issued until now."""
        user = self._existing(username)
        password_hash = hashed(password, self._hasher)
        realms = {realm for realm, _ in self._digests.get(user.username, {})}
        if digest_realm is not None:
            realms.add(digest_realm)
        digests = self._ha1s(user.username, password, realms)
        with self._lock:
            self._keep_digests(user.username, digests)
            changed = self._change(username, password_hash=password_hash)
            self._subjects.end_user(changed.id, self._clock())
            return changed

    @changes_user("scopes")
    def set_scopes(self, username: str, scopes: Iterable[str]) -> User:
        """Replace what the user may do."""
        checked = frozenset(checked_scopes(scopes))
        with self._lock:
            return self._change(username, scopes=checked)

    @changes_user("email")
    def set_email(self, username: str, email: str, *, verified: bool = False) -> User:
        """Replace the address of the user; see `authmw.stores.UserAdmin.set_email`."""
        checked = checked_email(email)
        with self._lock:
            user = self._change(username, email=checked, email_verified=verified and bool(checked))
            self._subjects.forget_pending(user.id)
            return user

    @changes_user("deleted")
    def delete(self, username: str) -> User:
        """Erase the user, and what is kept about the user; see `authmw.stores.UserAdmin.delete`."""
        with self._lock:
            user = self._existing(username)
            del self._by_name[user.username], self._names_by_id[user.id], self._created_at[user.id]
            self._drop_digests(user.username)
            self._subjects.erase_user(user.id, user.username, self._clock())
            return user

    @changes_user("renamed")
    def rename(self, username: str, new: str) -> User:
        """Give the user another name; see `authmw.stores.UserAdmin.rename`."""
        name = checked_username(new)
        with self._lock:
            user = self._existing(username)
            if name == user.username:
                return user
            if name in self._by_name or self._subjects.is_of_other(name, user.id):
                raise AlreadyExists(f"{name!r} is the name of another user, or the id of another user or of a client")
            renamed = self._by_name[name] = replace(user, username=name)
            self._names_by_id[user.id] = name
            del self._by_name[user.username]
            self._drop_digests(user.username)
            self._subjects.rename_user(user.id, user.username, name)
            return renamed

    def export(self, username: str) -> dict[str, Any]:
        """Everything that is kept about the user; see `authmw.stores.UserAdmin.export`."""
        with self._lock:
            user, held = self._existing(username), self._subjects.held
            return document_of(
                user,
                created_at=self._created_at[user.id],
                disabled_at=self._subjects.disabled_since.get(user.id),
                digests=self._digests.get(user.username, {}),
                keys=() if held is None else held.keys.list(user.id),
                tokens=() if held is None else held.tokens.list(user.id),
                families=() if held is None else held.families.of_user(user.id),
                browser_sessions=() if held is None else held.sessions.of_user(user.id),
                pending=() if held is None else held.pending.of_user(user.id),
                revocations=() if held is None else held.revocations.find_revocations((("user", user.id),)),
                familiar_until=() if held is None else held.throttle.familiar_until(account_key(user.username)),
            )

    def _existing(self, username: str) -> User:
        user = self.find(username)
        if user is None:
            raise NotFound(f"there is no user {username!r}")
        return user

    def _change(self, username: str, **changes: Any) -> User:
        user = replace(self._existing(username), **changes)
        self._by_name[user.username] = user
        return user

    def _ha1s(self, username: str, password: str | None, realms: Iterable[str]) -> tuple[HA1, ...]:
        if password is None:
            return ()
        return tuple(
            HA1.of(username, realm, password, algorithm) for realm in realms for algorithm in self.digest_algorithms
        )

    def _drop_digests(self, username: str) -> None:
        for each in self._digests.pop(username, {}).values():
            self._names_by_userhash.pop((each.userhash, (each.realm, each.algorithm)), None)

    def _keep_digests(self, username: str, digests: tuple[HA1, ...]) -> None:
        for each in digests:
            self._digests.setdefault(username, {})[each.realm, each.algorithm] = each
            self._names_by_userhash[each.userhash, (each.realm, each.algorithm)] = username

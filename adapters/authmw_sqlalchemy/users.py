"""Users in SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.crypto.opaque_tokens import new_id
from authmw.flow.clocks import now
from authmw.identity.scopes import checked_scopes
from authmw.identity.usernames import canonical_username
from authmw.stores.administration import NO_ATTRIBUTES, AlreadyExists, NotFound
from authmw.stores.new_records import DIGEST_ALGORITHMS, HA1, Hasher, checked_email, checked_username, hashed, make_user
from authmw.stores.records import DigestUser, User
from authmw.stores.told_changes import changes_user
from authmw_sqlalchemy.base import Store, text
from authmw_sqlalchemy.erasing import user_erased, user_renamed
from authmw_sqlalchemy.exporting import user_exported
from authmw_sqlalchemy.retired import retired_at
from authmw_sqlalchemy.revoking import user_ended
from authmw_sqlalchemy.statements import Database, Exclusive, Operation, Query, Row, every, first
from authmw_sqlalchemy.tables import clients, pending, user_digests, users

_COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.password_hash,
    users.c.scopes,
    users.c.disabled_at,
    users.c.attributes,
    users.c.email,
    users.c.email_verified,
)
_ORDERED = select(*_COLUMNS).order_by(users.c.username)
_DIGESTS = (
    select(*_COLUMNS, user_digests.c.ha1)
    .join(user_digests, user_digests.c.user_id == users.c.id)
    .where(user_digests.c.realm == bindparam("realm"), user_digests.c.algorithm == bindparam("algorithm"))
)
_FIND = Query.of(select(*_COLUMNS).where(users.c.username == bindparam("username")), "username")
_FIND_BY_ID = Query.of(select(*_COLUMNS).where(users.c.id == bindparam("user_id")), "user_id")
_FIND_BY_EMAIL = Query.of(_ORDERED.where(users.c.email_folded == bindparam("folded")), "folded")
_FIND_DIGEST = Query.of(_DIGESTS.where(users.c.username == bindparam("username")), *("username", "realm", "algorithm"))
_FIND_USERHASH = Query.of(
    _DIGESTS.where(user_digests.c.userhash == bindparam("userhash")), *("userhash", "realm", "algorithm")
)
_LIST = Query.of(_ORDERED)
_REPLACE = Query.of(
    update(users)
    .where(users.c.id == bindparam("user_id"), users.c.password_hash == bindparam("old"))
    .values(password_hash=bindparam("new"))
    .returning(users.c.id),
    *("user_id", "old", "new"),
)
_VERIFY_EMAIL = Query.of(
    update(users)
    .where(users.c.id == bindparam("user_id"), users.c.email == bindparam("email"), users.c.email_folded.is_not(None))
    .values(email_verified=true())
    .returning(users.c.id),
    *("user_id", "email"),
)


class SQLUsers(Store):
    """Users, their password hashes and their HA1.

    It is a `UserStore`, `PasswordUpgrader`, `DigestStore`, `UserDirectory` and `UserAdmin`.

    Args:
        database: the database of the records.
        hasher: hashes new passwords; `PasswordHasher` with its default profile unless given.
        digest_algorithms: the algorithms for which the HA1 of a user with a ``digest_realm`` is stored.
        clock: seconds since the epoch.
    """

    _LOOKUPS = ("find", "find_by_id", "find_by_email", "find_digest", "find_digest_by_userhash")

    def __init__(
        self,
        database: Database,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = now,
    ) -> None:
        super().__init__(database)
        self._hasher = hasher
        self.digest_algorithms: tuple[DigestAlgorithm, ...] = tuple(digest_algorithms)
        """An HA1 is kept for each of these."""
        self._clock = clock

    def find(self, username: str) -> User | None:
        """The user of that name, or None."""
        return self._database.read(_FIND, (_canonical(username),), _found)

    def find_by_id(self, user_id: str) -> User | None:
        """The user with that id, or None."""
        return self._database.read(_FIND_BY_ID, (user_id,), _found)

    def find_by_email(self, email: str) -> tuple[User, ...]:
        """Every user with that address, compared without case, by name; none for an empty one."""
        return self._database.read(_FIND_BY_EMAIL, (_folded(email),), every(_user))

    def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        """The user of that name with the HA1 for `realm` and `algorithm`, or None."""
        return self._database.read(_FIND_DIGEST, (_canonical(username), realm, algorithm), _found_digest)

    def find_digest_by_userhash(self, userhash: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        """The user with that userhash, ``H(username ":" realm)``, and the HA1 as in `find_digest`; or None."""
        return self._database.read(_FIND_USERHASH, (userhash, realm, algorithm), _found_digest)

    def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        """Store `new` if the hash still is `old`. Returns whether it was stored."""
        return self._database.write(_REPLACE, (user_id, old, new), bool)

    def change_password_hash(self, user_id: str, old: str | None, new: str) -> bool:
        """Store `new`, the hash of another password, if the hash still is `old`, and drop every HA1 of the user."""
        return self._database.run(_password_changed, user_id, old, new)

    def verify_email(self, user_id: str, email: str) -> bool:
        """Note that the address belongs to the user, if it still is the user's. Returns whether it is."""
        return self._database.write(_VERIFY_EMAIL, (user_id, email), bool)

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
        values = {
            "id": user.id,
            "username": user.username,
            "password_hash": user.password_hash,
            "scopes": text(user.scopes),
            "attributes": json.dumps(dict(user.attributes)),
            "created_at": self._clock(),
            **_email(user.email, user.email_verified),
        }
        realms = {digest_realm} if digest_realm is not None and password is not None else set[str]()
        digests = self._ha1s(user.username, password or "", realms)
        return self._database.run(self._created, user, values, digests, id is None)

    def list(self) -> tuple[User, ...]:
        """Every user, by name."""
        return self._database.read(_LIST, (), every(_user))

    @changes_user("disabled")
    def disable(self, username: str) -> User:
        """Refuse the user, and the user's keys and tokens, from now on. Ends every family and session of the user."""
        return self._database.run(self._disabled, _canonical(username))

    @changes_user("enabled")
    def enable(self, username: str) -> User:
        """Undo `disable`. Earlier tokens, families and sessions stay revoked."""
        return self._database.run(_changed, _canonical(username), {"disabled_at": None})

    @changes_user("password")
    def set_password(self, username: str, password: str, *, digest_realm: str | None = None) -> User:
        """Replace the password, and the HA1 of every realm that has one. Revokes what was issued until now."""
        name = checked_username(username)
        realms = frozenset[str]() if digest_realm is None else frozenset({digest_realm})
        return self._database.run(self._renewed, name, password, hashed(password, self._hasher), realms)

    @changes_user("scopes")
    def set_scopes(self, username: str, scopes: Iterable[str]) -> User:
        """Replace the scopes of the user."""
        return self._database.run(_changed, _canonical(username), {"scopes": text(checked_scopes(scopes))})

    @changes_user("email")
    def set_email(self, username: str, email: str, *, verified: bool = False) -> User:
        """Replace the address of the user; see `authmw.stores.UserAdmin.set_email`."""
        return self._database.run(_address_changed, _canonical(username), _email(checked_email(email), verified))

    @changes_user("deleted")
    def delete(self, username: str) -> User:
        """Erase the user, and what is kept about the user; see `authmw.stores.UserAdmin.delete`."""
        return self._database.run(self._deleted, _canonical(username))

    @changes_user("renamed")
    def rename(self, username: str, new: str) -> User:
        """Give the user another name; see `authmw.stores.UserAdmin.rename`."""
        return self._database.run(_renamed, _canonical(username), checked_username(new))

    def export(self, username: str) -> dict[str, Any]:
        """Everything that is kept about the user; see `authmw.stores.UserAdmin.export`."""
        return self._database.run(self._exported, _canonical(username))

    def _created(
        self, user: User, values: Mapping[str, object], digests: tuple[HA1, ...], may_choose: bool
    ) -> Operation[User]:
        taken = AlreadyExists(f"there is a user {user.username!r}, or a user or client with that id, already")
        yield Exclusive(users)
        if (yield from retired_at(user.id)) is not None:
            if not may_choose:
                raise AlreadyExists(f"the id {user.id!r} was that of a user who was deleted: choose another one")
            user = replace(user, id=new_id("user"))
        try:
            yield insert(users).values({**values, "id": user.id})
        except IntegrityError:
            raise taken from None
        yield from self._keep_digests(user.id, digests)
        if (yield select(clients.c.id).where(clients.c.id == user.id)).first() is not None:
            raise taken
        return user

    def _disabled(self, username: str) -> Operation[User]:
        at = self._clock()
        user = yield from _changed(username, {"disabled_at": func.coalesce(users.c.disabled_at, at)})
        yield from user_ended(user.id, at)
        return user

    def _deleted(self, username: str) -> Operation[User]:
        row = (yield delete(users).where(users.c.username == username).returning(*_COLUMNS)).one_or_none()
        if row is None:
            raise _not_found(username)
        user = _user(row)
        yield from user_erased(user.id, user.username, self._clock())
        return user

    def _exported(self, username: str) -> Operation[dict[str, Any]]:
        row = (yield select(*_COLUMNS).where(users.c.username == username)).one_or_none()
        if row is None:
            raise _not_found(username)
        return (yield from user_exported(_user(row), self._clock()))

    def _renewed(self, username: str, password: str, password_hash: str, realms: frozenset[str]) -> Operation[User]:
        user = yield from _changed(username, {"password_hash": password_hash})
        known = yield select(user_digests.c.realm).where(user_digests.c.user_id == user.id)
        yield from self._keep_digests(user.id, self._ha1s(username, password, realms | frozenset(known.scalars())))
        yield from user_ended(user.id, self._clock())
        return user

    def _keep_digests(self, user_id: str, digests: tuple[HA1, ...]) -> Operation[None]:
        for each in digests:
            statement = self._database.insert(user_digests).values(
                user_id=user_id, realm=each.realm, algorithm=each.algorithm, ha1=each.ha1, userhash=each.userhash
            )
            yield statement.on_conflict_do_update(
                index_elements=["user_id", "realm", "algorithm"], set_={"ha1": statement.excluded.ha1}
            )

    def _ha1s(self, username: str, password: str, realms: Iterable[str]) -> tuple[HA1, ...]:
        return tuple(
            HA1.of(username, realm, password, algorithm) for realm in realms for algorithm in self.digest_algorithms
        )


def _changed(username: str, values: Mapping[str, object]) -> Operation[User]:
    changed = yield update(users).where(users.c.username == username).values(values).returning(*_COLUMNS)
    row = changed.one_or_none()
    if row is None:
        raise _not_found(username)
    return _user(row)


def _address_changed(username: str, values: Mapping[str, object]) -> Operation[User]:
    user = yield from _changed(username, values)
    # A link that was mailed to the old address is worth nothing any more.
    yield delete(pending).where(pending.c.subject == user.id)
    return user


def _password_changed(user_id: str, old: str | None, new: str) -> Operation[bool]:
    is_old = users.c.password_hash.is_not_distinct_from(old)
    changed = yield update(users).where(users.c.id == user_id, is_old).values(password_hash=new).returning(users.c.id)
    if changed.one_or_none() is None:
        return False
    yield delete(user_digests).where(user_digests.c.user_id == user_id)
    return True


def _renamed(username: str, new: str) -> Operation[User]:
    taken = AlreadyExists(f"{new!r} is the name of another user, or the id of another user or of a client")
    yield Exclusive(users)
    row = (yield select(*_COLUMNS).where(users.c.username == username)).one_or_none()
    if row is None:
        raise _not_found(username)
    user = _user(row)
    if new == user.username:
        return user
    others = select(users.c.id).where(or_(users.c.username == new, users.c.id == new), users.c.id != user.id)
    for found in (others, select(clients.c.id).where(clients.c.id == new)):
        if (yield found).first() is not None:
            raise taken
    yield update(users).where(users.c.id == user.id).values(username=new)
    yield from user_renamed(user.id, user.username, new)
    return replace(user, username=new)


def _not_found(username: str) -> NotFound:
    return NotFound(f"there is no user {username!r}")


def _user(row: Row) -> User:
    attributes = row[5]
    return User(
        row[0],
        row[1],
        row[2],
        frozenset(row[3].split()),
        disabled=row[4] is not None,
        attributes=NO_ATTRIBUTES if attributes == "{}" else MappingProxyType(json.loads(attributes)),
        email=row[6],
        email_verified=bool(row[7]),  # SQLite has no booleans
    )


def _email(email: str, verified: bool) -> dict[str, object]:
    """The columns of an address."""
    return {"email": email, "email_folded": _folded(email), "email_verified": verified and bool(email)}


def _folded(email: str) -> str | None:
    """An address as it is compared, without case. None for an empty one, which no other address equals."""
    return email.casefold() or None


def _digest_user(row: Row) -> DigestUser:
    return DigestUser(_user(row), row[-1])


def _canonical(username: str) -> str:
    return username if username.isascii() else canonical_username(username) or ""


_found = first(_user)
_found_digest = first(_digest_user)

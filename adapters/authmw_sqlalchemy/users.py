"""Users in SQL."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from authmw.administration import NO_ATTRIBUTES, AlreadyExists, NotFound
from authmw.enrolment import DIGEST_ALGORITHMS, HA1, Hasher, checked_username, hashed, make_user
from authmw.flow import nonblocking
from authmw.ports import DigestAlgorithm, DigestUser, User
from authmw.scopes import checked_scopes
from authmw.verifiers.accounts import canonical_username
from authmw_sqlalchemy.database import Database, compiled
from authmw_sqlalchemy.tables import user_digests, users

_COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.password_hash,
    users.c.scopes,
    users.c.disabled_at,
    users.c.attributes,
)
_BY_NAME = select(*_COLUMNS).where(users.c.username == bindparam("username"))
_DIGESTS = (
    select(*_COLUMNS, user_digests.c.ha1)
    .join(user_digests, user_digests.c.user_id == users.c.id)
    .where(user_digests.c.realm == bindparam("realm"), user_digests.c.algorithm == bindparam("algorithm"))
)
_FIND = compiled(_BY_NAME)
_FIND_DIGEST = compiled(_DIGESTS.where(users.c.username == bindparam("username")))
_FIND_USERHASH = compiled(_DIGESTS.where(user_digests.c.userhash == bindparam("userhash")))


class SQLUsers:
    """Users, their password hashes and their HA1 (`UserStore`, `PasswordUpgrader`, `DigestStore`, `UserAdmin`).

    Args:
        database: where they are kept.
        hasher: hashes new passwords; `PasswordHasher` with its default profile unless given.
        digest_algorithms: what an HA1 is kept for, of users with a ``digest_realm``.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        *,
        hasher: Hasher | None = None,
        digest_algorithms: Iterable[DigestAlgorithm] = DIGEST_ALGORITHMS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._algorithms = tuple(digest_algorithms)
        self._clock = clock

    @nonblocking
    def find(self, username: str) -> User | None:
        """The user of that name, or None."""
        row = self._database.row(_FIND, _canonical(username))
        return None if row is None else _user(row)

    @nonblocking
    def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        """The user of that name with the HA1 for `realm` and `algorithm`, or None."""
        row = self._database.row(_FIND_DIGEST, realm, algorithm, _canonical(username))
        return None if row is None else DigestUser(_user(row), row[-1])

    @nonblocking
    def find_digest_by_userhash(self, userhash: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        """The same by ``H(username ":" realm)``."""
        row = self._database.row(_FIND_USERHASH, realm, algorithm, userhash)
        return None if row is None else DigestUser(_user(row), row[-1])

    def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        """Store `new` if the hash still is `old`; whether it was stored."""
        statement = update(users).where(users.c.id == user_id, users.c.password_hash == old).values(password_hash=new)
        with self._database.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def create(
        self,
        username: str,
        password: str | None = None,
        *,
        id: str | None = None,
        scopes: Iterable[str] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        digest_realm: str | None = None,
        hasher: Hasher | None = None,
    ) -> User:
        """A new user; see `authmw.administration.UserAdmin.create`."""
        user = make_user(username, password, hasher or self._hasher, id=id, scopes=scopes, attributes=attributes)
        values = {
            "id": user.id,
            "username": user.username,
            "password_hash": user.password_hash,
            "scopes": _text(user.scopes),
            "attributes": json.dumps(dict(user.attributes)),
            "created_at": self._clock(),
        }
        realms = {digest_realm} if digest_realm is not None and password is not None else set[str]()
        digests = self._ha1s(user.username, password or "", realms)
        try:
            with self._database.begin() as connection:
                connection.execute(insert(users).values(values))
                _keep_digests(connection, user.id, digests)
        except IntegrityError:
            raise AlreadyExists(f"there is a user {user.username!r} (or one with that id) already") from None
        return user

    def list(self) -> tuple[User, ...]:
        """Every user, by name."""
        return tuple(map(_user, self._database.rows(select(*_COLUMNS).order_by(users.c.username))))

    def disable(self, username: str) -> User:
        """Refuse the user from now on, with keys and tokens."""
        return self._change(username, disabled_at=self._clock())

    def enable(self, username: str) -> User:
        """Undo `disable`."""
        return self._change(username, disabled_at=None)

    def set_password(self, username: str, password: str, *, digest_realm: str | None = None) -> User:
        """Replace the password, and the HA1 of every realm there is one for."""
        name = checked_username(username)
        password_hash = hashed(password, self._hasher)
        with self._database.begin() as connection:
            user = _changed(connection, name, password_hash=password_hash)
            known = select(user_digests.c.realm).where(user_digests.c.user_id == user.id)
            realms: set[str] = set(connection.scalars(known))
            if digest_realm is not None:
                realms.add(digest_realm)
            _keep_digests(connection, user.id, self._ha1s(name, password, realms))
        return user

    def set_scopes(self, username: str, scopes: Iterable[str]) -> User:
        """Replace what the user may do."""
        return self._change(username, scopes=_text(checked_scopes(scopes)))

    def _change(self, username: str, **values: object) -> User:
        with self._database.begin() as connection:
            return _changed(connection, _canonical(username), **values)

    def _ha1s(self, username: str, password: str, realms: Iterable[str]) -> tuple[HA1, ...]:
        return tuple(HA1.of(username, realm, password, algorithm) for realm in realms for algorithm in self._algorithms)


def _changed(connection: Connection, username: str, **values: object) -> User:
    row = connection.execute(
        update(users).where(users.c.username == username).values(**values).returning(*_COLUMNS)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no user {username!r}")
    return _user(row)


def _keep_digests(connection: Connection, user_id: str, digests: tuple[HA1, ...]) -> None:
    for each in digests:
        statement = upsert(user_digests).values(
            user_id=user_id, realm=each.realm, algorithm=each.algorithm, ha1=each.ha1, userhash=each.userhash
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "realm", "algorithm"], set_={"ha1": statement.excluded.ha1}
            )
        )


def _user(row: Sequence[Any]) -> User:
    attributes = row[5]
    return User(
        row[0],
        row[1],
        row[2],
        frozenset(row[3].split()),
        disabled=row[4] is not None,
        attributes=NO_ATTRIBUTES if attributes == "{}" else MappingProxyType(json.loads(attributes)),
    )


def _canonical(username: str) -> str:
    return username if username.isascii() else canonical_username(username) or ""


def _text(scopes: Iterable[str]) -> str:
    return " ".join(sorted(scopes))

"""User of the demo: created at the first run, with a new API key at each run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from authmw.cli.demo_lines import Credentials
from authmw.cli.jwk import new_ring
from authmw.cli.stores import Database, open_stores
from authmw.crypto.passwords import Match, PasswordHasher
from authmw.stores.records import User

_USERNAME: Final = "alice"
# The same in every demo: each run prints it in the curl lines, and the database holds only its hash.
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - the password of xkcd 936, for loopback only
_SCOPES: Final = frozenset({"orders:read"})
_KEY_NAME: Final = "demo"


@dataclass(frozen=True, slots=True)
class DemoUser:
    """The demo's user: its database, its key ring, its credentials, and the text that introduces it."""

    database: str
    keys_path: Path
    credentials: Credentials
    introduction: str


def prepare(directory: Path) -> DemoUser:
    """The user of the demo in `directory`. Creates what does not exist yet."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be created: {error.strerror}") from None
    database, keys_path = f"sqlite:///{directory / 'demo.db'}", directory / "keys.json"
    if not keys_path.exists():
        new_ring(keys_path)
    stores = open_stores(database, create=True)
    user, introduction = _user(stores, directory)
    credentials = Credentials(user.username, _PASSWORD, _fresh_key(stores, user))
    return DemoUser(database, keys_path, credentials, introduction)


def _user(stores: Database, directory: Path) -> tuple[User, str]:
    user = stores.users.find(_USERNAME)
    if user is None:
        user = stores.users.create(_USERNAME, _PASSWORD, scopes=_SCOPES)
        return user, f"Created {_USERNAME}, who may {' '.join(_SCOPES)}. Password: {_PASSWORD}"
    if user.disabled or user.scopes != _SCOPES or not _has_the_password(user):
        return user, f"{_USERNAME} was changed since an earlier run, so answers differ: remove {directory}"
    return user, f"{_USERNAME} is there from an earlier run. Password: {_PASSWORD}"


def _has_the_password(user: User) -> bool:
    hashed = user.password_hash
    return hashed is not None and PasswordHasher().verify(password=_PASSWORD, hash=hashed) is not Match.MISMATCH


def _fresh_key(stores: Database, user: User) -> str:
    """A new API key. The key of the run before is revoked: it cannot be printed again, only its digest is stored."""
    for record in stores.keys.list(user.id):
        if record.name == _KEY_NAME and record.revoked_at is None:
            stores.keys.revoke(record.id)
    return stores.keys.create(user.id, sorted(_SCOPES), name=_KEY_NAME, lifetime=None)[0]

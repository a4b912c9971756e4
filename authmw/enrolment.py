"""New users, keys and tokens as records: everything checked and hashed before any store is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

from authmw.errors import ConfigurationError
from authmw.ports import ApiKeyRecord, DigestAlgorithm, TokenRecord, User
from authmw.principal import PrincipalKind
from authmw.scopes import checked_scopes
from authmw.tokens import Entropy, digest, new_api_key, new_id, new_token

DIGEST_ALGORITHMS: Final[tuple[DigestAlgorithm, ...]] = ("SHA-256",)
"""The algorithms an HA1 is kept for unless others are asked for: the one that every client of Digest speaks."""

_BAD_PASSWORD: Final = "a password has 1 to 1024 bytes of UTF-8 and no control characters"  # noqa: S105 - the rule


class Hasher(Protocol):
    """Makes password hashes: `authmw.passwords.PasswordHasher`."""

    def hash(self, password: str, /) -> str:
        """A new hash of `password`. Raises ValueError when it is no password."""
        ...


@dataclass(frozen=True, slots=True)
class HA1:
    """What a Digest store keeps of one password for one realm and algorithm (RFC 7616 §3.4.2, §3.4.4)."""

    realm: str
    algorithm: DigestAlgorithm
    ha1: str = field(repr=False)
    userhash: str

    @classmethod
    def of(cls, username: str, realm: str, password: str, algorithm: DigestAlgorithm) -> HA1:
        """The HA1 of a password. Raises `ConfigurationError` when it is none."""
        from authmw.digest import ha1, userhash
        from authmw.passwords import prepared

        secret = prepared(password)
        if secret is None:
            raise ConfigurationError(_BAD_PASSWORD)
        text = secret.decode()
        return cls(
            realm,
            algorithm,
            ha1(username=username, realm=realm, password=text, algorithm=algorithm),
            userhash(username=username, realm=realm, algorithm=algorithm),
        )


def make_user(
    username: str,
    password: str | None,
    hasher: Hasher | None,
    *,
    id: str | None,
    scopes: Iterable[str],
    attributes: Mapping[str, Any],
) -> User:
    """The record of a new user, for stores: everything checked, the password hashed."""
    name = checked_username(username)
    password_hash = None if password is None else hashed(password, hasher)
    if id is not None and (not id or not id.isprintable()):
        raise ConfigurationError("an id is printable and not empty")
    return User(
        name if id is None else id,
        name,
        password_hash,
        frozenset(checked_scopes(scopes)),
        attributes=MappingProxyType(dict(attributes)),
    )


def make_api_key(
    owner: str,
    scopes: Iterable[str],
    *,
    name: str,
    lifetime: float | None,
    prefix: str,
    now: float,
    entropy: Entropy,
) -> tuple[str, ApiKeyRecord]:
    """A new key and its record, for stores."""
    if not owner:
        raise ConfigurationError("an API key needs an owner")
    key = new_api_key(prefix, entropy=entropy)
    return key, ApiKeyRecord(
        new_id("key", entropy=entropy),
        digest(key),
        owner,
        frozenset(checked_scopes(scopes)),
        name,
        created_at=now,
        expires_at=None if lifetime is None else now + checked_lifetime(lifetime),
    )


def make_token(
    subject: str,
    scopes: Iterable[str],
    *,
    lifetime: float,
    kind: PrincipalKind,
    client_id: str | None,
    prefix: str,
    now: float,
    entropy: Entropy,
) -> tuple[str, TokenRecord]:
    """A new opaque token and its record, for stores."""
    if not subject:
        raise ConfigurationError("a token needs a subject")
    token = new_token(prefix, entropy=entropy)
    return token, TokenRecord(
        new_id("tok", entropy=entropy),
        digest(token),
        subject,
        now + checked_lifetime(lifetime),
        frozenset(checked_scopes(scopes)),
        kind,
        client_id,
        created_at=now,
    )


def checked_username(username: str) -> str:
    """`username` in NFC, if anybody could log in with it.

    >>> checked_username("Zoe\u0308") == "Zo\u00eb"
    True
    """
    from authmw.verifiers.accounts import canonical_username

    name = canonical_username(username)
    # Neither Basic (RFC 7617 §2) nor Digest (RFC 7616 §3.4.2) can tell a colon in a name from what follows it.
    if name is None or ":" in name:
        raise ConfigurationError("a user name has 1 to 256 bytes of UTF-8, no control characters and no colon")
    return name


def checked_lifetime(lifetime: float) -> float:
    """`lifetime`, if it is a number of seconds above zero."""
    if not 0 < lifetime < float("inf"):
        raise ConfigurationError("a lifetime is a number of seconds above zero")
    return lifetime


def hashed(password: str, hasher: Hasher | None) -> str:
    """The hash of `password`, by the default hasher unless one is given."""
    if hasher is None:
        from authmw.passwords import PasswordHasher

        hasher = PasswordHasher()
    try:
        return hasher.hash(password)
    except ValueError:
        raise ConfigurationError(_BAD_PASSWORD) from None

"""Constructors of new records: users, keys, tokens and clients, checked and hashed before a store is called."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Protocol, get_args

from authmw.crypto.http_digest import DigestAlgorithm, ha1, userhash
from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import Entropy, new_api_key, new_id, new_token, token_digest
from authmw.crypto.passwords import PasswordHasher, prepared
from authmw.errors import ConfigurationError
from authmw.flow.durations import Seconds, seconds
from authmw.identity.principal import PrincipalKind
from authmw.identity.scopes import checked_scopes
from authmw.identity.usernames import canonical_username, mistake_in_new_username
from authmw.stores.records import ApiKeyRecord, Client, ClientAuthMethod, ClientSecret, TokenRecord, User

logger: Final = logging.getLogger("authmw.passwords")

DIGEST_ALGORITHMS: Final[tuple[DigestAlgorithm, ...]] = ("SHA-256",)
"""Default algorithms for which an HA1 is kept: the one that every Digest client supports."""

GRANT_TYPES: Final = frozenset({"password", "refresh_token", "client_credentials"})
"""The grants that a client may have (RFC 6749 §1.3)."""

# VSCHAR                                                                       RFC 6749 App. A.1
_CLIENT_ID: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_BAD_PASSWORD: Final = "a password has 1 to 1024 bytes of UTF-8 and no control characters"  # noqa: S105 - the rule


class Hasher(Protocol):
    """Makes password hashes: `authmw.stores.PasswordHasher`."""

    def hash(self, password: str, /) -> str:
        """A new hash of `password`. Raises ValueError if `password` is not acceptable."""
        ...


@dataclass(frozen=True, slots=True)
class HA1:
    """The hashes that a Digest store keeps for one user, realm and algorithm (RFC 7616 §3.4.2, §3.4.4)."""

    realm: str
    algorithm: DigestAlgorithm
    ha1: str = field(repr=False)
    userhash: str

    @classmethod
    def of(cls, username: str, realm: str, password: str, algorithm: DigestAlgorithm) -> HA1:
        """The HA1 of a password. Raises `ConfigurationError` if the password is not acceptable."""
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
    password_hash: str | None = None,
    digest_realm: str | None = None,
    email: str = "",
    email_verified: bool = False,
) -> User:
    """The record of a new user, checked, with the password hashed."""
    name = checked_username(username)
    if password is not None and password_hash is not None:
        raise ConfigurationError("create() takes password= or password_hash=, not both")
    if password_hash is not None:
        if digest_realm is not None:
            raise ConfigurationError("digest_realm= needs the password: no HA1 can be made of a hash")
        problem = PasswordHasher.problem_with(password_hash)
        if problem:
            raise ConfigurationError(f"password_hash= of {name!r} matches no password: {problem}")
    elif password is not None:
        if not PasswordHasher.problem_with(password):
            logger.warning(
                "the password of the new user %r has the form of a password hash: if it is one, pass password_hash=",
                name,
            )
        password_hash = hashed(password, hasher)
    if id is not None and (not id or not id.isprintable()):
        raise ConfigurationError(f"id={id!r} has to be printable and not empty")
    return User(
        name if id is None else id,
        name,
        password_hash,
        frozenset(checked_scopes(scopes)),
        attributes=MappingProxyType(dict(attributes)),
        email=checked_email(email),
        email_verified=email_verified and bool(email),
    )


def make_api_key(
    owner: str,
    scopes: Iterable[str],
    *,
    name: str,
    lifetime: Seconds | None,
    prefix: str,
    now: float,
    entropy: Entropy,
) -> tuple[str, ApiKeyRecord]:
    """A new API key and its record."""
    if not owner:
        raise ConfigurationError("an API key needs an owner")
    key = new_api_key(prefix, entropy=entropy)
    return key, ApiKeyRecord(
        new_id("key", entropy=entropy),
        token_digest(key),
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
    lifetime: Seconds,
    kind: PrincipalKind,
    client_id: str | None,
    prefix: str,
    now: float,
    entropy: Entropy,
) -> tuple[str, TokenRecord]:
    """A new opaque token and its record."""
    if not subject:
        raise ConfigurationError("a token needs a subject")
    token = new_token(prefix, entropy=entropy)
    return token, TokenRecord(
        new_id("tok", entropy=entropy),
        token_digest(token),
        subject,
        now + checked_lifetime(lifetime),
        frozenset(checked_scopes(scopes)),
        kind,
        client_id,
        created_at=now,
    )


def make_client(
    id: str | None,
    *,
    name: str,
    auth_method: ClientAuthMethod,
    jwks: Mapping[str, Any] | None,
    grant_types: Iterable[str],
    scopes: Iterable[str],
    audiences: Iterable[str],
    now: float,
    entropy: Entropy,
) -> tuple[str | None, Client]:
    """A new client and its secret, checked. See `ClientAdmin.create`."""
    grants = _collected("grant_types", grant_types)
    apis = _collected("audiences", audiences)
    mistakes = [
        *_mistakes_in_client(id, auth_method, grants),
        *_mistakes_in_jwks(auth_method, jwks),
    ]
    try:
        granted = frozenset(checked_scopes(scopes))
    except ConfigurationError as error:
        granted = frozenset[str]()
        mistakes += error.mistakes
    if mistakes:
        raise ConfigurationError(*mistakes)
    client = Client(
        id or new_id("client", entropy=entropy),
        name,
        auth_method,
        jwks=jwks,
        grant_types=grants,
        scopes=granted,
        audiences=apis,
        created_at=now,
    )
    if auth_method not in ("client_secret_basic", "client_secret_post"):
        return None, client
    secret = new_token("cs", entropy=entropy)
    return secret, replace(client, secrets=(ClientSecret(token_digest(secret)),))


def make_secret(client: Client, *, overlap: Seconds, now: float, entropy: Entropy) -> tuple[str, Client]:
    """A new secret for `client`, and the client with it. The older secrets end after `overlap` seconds."""
    if not client.secrets:
        raise ConfigurationError(f"the client {client.id!r} has no secret: it authenticates by {client.auth_method}")
    ends = now + checked_overlap(overlap)
    older = (
        replace(each, expires_at=ends if each.expires_at is None else min(each.expires_at, ends))
        for each in client.secrets
    )
    secret = new_token("cs", entropy=entropy)
    kept = tuple(each for each in older if each.expires_at is None or each.expires_at > now)
    return secret, replace(client, secrets=(ClientSecret(token_digest(secret)), *kept))


def is_client_id(text: str) -> bool:
    """Whether `text` can be a ``client_id``: 1 to 255 printable ASCII characters, no space at either end.

    >>> is_client_id("odd:id+%/client"), is_client_id(" ")
    (True, False)
    """
    return _CLIENT_ID.fullmatch(text) is not None


def _collected(name: str, values: Iterable[str]) -> frozenset[str]:
    if isinstance(values, str):
        raise ConfigurationError(f"{name}={values!r} has to be a list: a string would be read as its letters")
    return frozenset(values)


def _mistakes_in_client(id: str | None, auth_method: ClientAuthMethod, grant_types: frozenset[str]) -> list[str]:
    mistakes: list[str] = []
    if id is not None and not is_client_id(id):
        mistakes.append(f"{id!r} is no client id: use 1 to 255 printable ASCII characters")
    if auth_method not in get_args(ClientAuthMethod):
        mistakes.append(f"{auth_method!r} is no method: use {', '.join(get_args(ClientAuthMethod))}")
    unknown = sorted(grant_types - GRANT_TYPES)
    if unknown:
        mistakes.append(f"{', '.join(unknown)} is no grant type: use {', '.join(sorted(GRANT_TYPES))}")
    if auth_method == "none" and "client_credentials" in grant_types:
        # RFC 6749 §4.4: only a confidential client may use this grant.
        mistakes.append("a client that does not authenticate cannot have client_credentials: leave it out")
    return mistakes


def _mistakes_in_jwks(auth_method: ClientAuthMethod, jwks: Mapping[str, Any] | None) -> list[str]:
    if auth_method != "private_key_jwt":
        return [] if jwks is None else [f"jwks= is for private_key_jwt, and the method is {auth_method}"]
    if jwks is None:
        return ["private_key_jwt needs the client's public keys: jwks="]
    try:
        ring = KeyRing.from_jwks(jwks)  # warns of the keys that are left out
    except ConfigurationError as error:
        return [f"jwks: {mistake}" for mistake in error.mistakes]
    if any(key.symmetric for key in ring.current.keys):
        return ["jwks: a secret in place of a public key"]
    if any(key.can_sign for key in ring.current.keys):
        return ["jwks: a private key, which only the client should have: give the public key"]
    return []


# RFC 5321 §4.5.3.1.3 bounds a path by 256 octets. What is in front of the "@" is the business of the host behind it.
_EMAIL: Final = re.compile(r"[^\s@<>\x00-\x1f\x7f]{1,64}@[^\s@<>,;:\x00-\x1f\x7f]{1,187}")


def checked_email(email: str) -> str:
    """`email`, which may be empty.

    Raises:
        ConfigurationError: it is no address, so that no mail would arrive, or one mail at several addresses.

    >>> checked_email("alice@shop.example")
    'alice@shop.example'
    """
    if email and _EMAIL.fullmatch(email) is None:
        raise ConfigurationError(f"{email!r} is no e-mail address: write one, as 'alice@shop.example'")
    return email


def checked_username(username: str) -> str:
    """`username` in NFC.

    Raises:
        ConfigurationError: no user could log in with that name, or it may look like another one.

    >>> checked_username("Zoe\u0308") == "Zo\u00eb"
    True
    """
    name = canonical_username(username)
    # In Basic (RFC 7617 §2) and in Digest (RFC 7616 §3.4.2) the first colon ends the name.
    if name is None or ":" in name:
        raise ConfigurationError("a user name has 1 to 256 bytes of UTF-8, no control characters and no colon")
    mistake = mistake_in_new_username(name)
    if mistake:
        raise ConfigurationError(f"a new user name follows RFC 8265 §3.4: {mistake}")
    return name


def checked_lifetime(lifetime: Seconds) -> float:
    """`lifetime` in seconds. Raises `ConfigurationError` unless it is a number of seconds above zero."""
    number: float = seconds(lifetime, "lifetime")
    if not 0 < number < float("inf"):
        raise ConfigurationError("a lifetime is a number of seconds above zero")
    return number


def checked_overlap(overlap: Seconds) -> float:
    """`overlap` in seconds, not below zero. Raises `ConfigurationError` unless it is a number of seconds."""
    return max(seconds(overlap, "overlap"), 0.0)


def hashed(password: str, hasher: Hasher | None) -> str:
    """The hash of `password`, by the default hasher unless one is given."""
    if hasher is None:
        hasher = PasswordHasher()
    try:
        return hasher.hash(password)
    except ValueError:
        raise ConfigurationError(_BAD_PASSWORD) from None

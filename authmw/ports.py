"""What the engine asks of stores: small Protocols, and the records they exchange.

A store implements the ports it is for, each method ``def`` or ``async def`` as suits it. A method answers None for
what it does not know and raises when it cannot answer: that becomes a 503. At rest there are only digests, never a
password, a token or a key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from authmw.errors import ConfigurationError
from authmw.principal import PrincipalKind

T = TypeVar("T")
Answer: TypeAlias = T | Awaitable[T]
"""What a port's method returns: the answer itself from a ``def``, or an awaitable of it from an ``async def``."""

DigestAlgorithm = Literal["MD5", "SHA-256", "SHA-512-256"]
"""The hash functions of RFC 7616 §3.3, without ``-sess``."""

_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


def needs(taker: str, store: object, *methods: str) -> None:
    """Refuse at construction what `taker` cannot ask.

    Args:
        taker: who takes the store, as its user wrote it.
        store: what was given for one.
        methods: what it is asked by.

    Raises:
        ConfigurationError: a class instead of its instance, or something that has not all of `methods`.
    """
    if isinstance(store, type):
        raise ConfigurationError(f"{taker} needs a store, not its class: pass {store.__name__}(...)")
    missing = [f".{method}" for method in methods if not callable(getattr(store, method, None))]
    if missing:
        every = " and ".join(f".{method}" for method in methods)
        raise ConfigurationError(
            f"{taker} needs a store with {every}: {type(store).__name__} has no {' and no '.join(missing)}"
        )


@dataclass(frozen=True, slots=True)
class User:
    """A user as the engine needs one. The application's own table may hold more.

    Args:
        id: the stable identifier, which becomes the principal's.
        username: what is typed at a login.
        password_hash: an argon2 (or accepted legacy) hash; None when the user cannot log in by password.
        scopes: what the user may do.
        disabled: the user exists, and is refused.
        attributes: what becomes the principal's claims.
    """

    id: str
    username: str
    password_hash: str | None = field(default=None, repr=False)
    scopes: frozenset[str] = frozenset()
    disabled: bool = False
    attributes: Mapping[str, Any] = field(default_factory=lambda: _NO_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class DigestUser:
    """A user with the HA1 of one realm and algorithm. HA1 is equivalent to the password for that realm (DIG-8).

    Args:
        ha1: ``H(username ":" realm ":" password)`` in lower-case hex (RFC 7616 §3.4.2).
    """

    user: User
    ha1: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """An API key as it is stored: its digest, and what it is good for.

    Args:
        id: names the key in lists and logs.
        digest: `authmw.tokens.digest` of the key.
        owner: the id of the principal the key stands for.
        name: what its owner calls it.
    """

    id: str
    digest: str = field(repr=False)
    owner: str
    scopes: frozenset[str] = frozenset()
    name: str = ""
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """An opaque access token as it is stored.

    Args:
        id: names the token in lists and logs.
        digest: `authmw.tokens.digest` of the token.
        subject: the id of the principal.
    """

    id: str
    digest: str = field(repr=False)
    subject: str
    expires_at: float
    scopes: frozenset[str] = frozenset()
    kind: PrincipalKind = "user"
    client_id: str | None = None
    created_at: float = 0.0
    revoked_at: float | None = None


class UserStore(Protocol):
    """Finds users by name."""

    def find(self, username: str, /) -> Answer[User | None]:
        """The user of that name (compared exactly, in NFC), or None."""
        ...


class PasswordUpgrader(Protocol):
    """A user store that can save a better hash after a successful login."""

    def replace_password_hash(self, user_id: str, old: str, new: str, /) -> Answer[bool]:
        """Store `new` if the stored hash still is `old` (compare and set); whether it was stored."""
        ...


class DigestStore(Protocol):
    """Finds the HA1 of users."""

    def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm, /) -> Answer[DigestUser | None]:
        """The user of that name with the HA1 for `realm` and `algorithm`, or None."""
        ...

    def find_digest_by_userhash(
        self, userhash: str, realm: str, algorithm: DigestAlgorithm, /
    ) -> Answer[DigestUser | None]:
        """The same by ``H(username ":" realm)`` in lower-case hex (RFC 7616 §3.4.4), or None."""
        ...


class ApiKeyStore(Protocol):
    """Finds API keys by their digest."""

    def find_key(self, digest: str, /) -> Answer[ApiKeyRecord | None]:
        """The key with that digest, or None."""
        ...

    def touch_key(self, key_id: str, at: float, /) -> Answer[None]:
        """Note that the key was used at `at`. Called at most once in a while for each key."""
        ...


class TokenStore(Protocol):
    """Finds opaque access tokens by their digest."""

    def find_token(self, digest: str, /) -> Answer[TokenRecord | None]:
        """The token with that digest, or None."""
        ...


class Claim(Enum):
    """What became of an attempt to use something once."""

    FRESH = "fresh"
    REPLAYED = "replayed"


class NonceStore(Protocol):
    """Remembers which counts of a Digest nonce were used."""

    def claim_nonce(self, nonce: str, count: int, expires_at: float, /) -> Answer[Claim]:
        """Claim `count` of `nonce`, atomically: FRESH once, for a count above all claimed before, else REPLAYED.

        What was claimed may be forgotten after `expires_at` (seconds since the epoch).
        """
        ...


class Throttle(Protocol):
    """Counts attempts to guess, by account and by source."""

    def attempt(self, key: str, now: float, /) -> Answer[float]:
        """Count one attempt, atomically, before it is looked at; the seconds to wait, 0.0 for go ahead."""
        ...

    def succeeded(self, key: str, /) -> Answer[None]:
        """One attempt was no guess: take it back.

        What else was counted stays: an attacker who also knows one good password must not start anew by using it,
        nor be helped by the account's own user.
        """
        ...

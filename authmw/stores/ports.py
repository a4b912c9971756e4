"""What the engine asks of stores: small Protocols, and the records they exchange.

A store implements the ports it is for, each method ``def`` or ``async def`` as suits it. A method answers None for
what it does not know and raises when it cannot answer: that becomes a 503. At rest there are only digests, never a
password, a token or a key.

Each verb is atomic, and its answer says everything: no port has a ``get`` to be followed by a ``put``. What a verb
answered is durable. `authmw.testing` holds a store of yours to all of this.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeAlias, TypeVar

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.errors import ConfigurationError
from authmw.stores.records import (
    ApiKeyRecord,
    Client,
    DigestUser,
    NonceUse,
    RefreshFamily,
    Revocation,
    RevocationKind,
    RevocationPage,
    Rotation,
    RotationAnswer,
    TokenRecord,
    User,
)

T = TypeVar("T")
Answer: TypeAlias = T | Awaitable[T]
"""What a port's method returns: the answer itself from a ``def``, or an awaitable of it from an ``async def``."""


def require_methods(taker: str, store: object, *methods: str) -> None:
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


class TokenKeeper(TokenStore, Protocol):
    """A token store that tokens are issued into and revoked in."""

    def add_token(self, record: TokenRecord, /) -> Answer[None]:
        """Store a token that was just made."""
        ...

    def revoke_token(self, digest: str, at: float, /) -> Answer[bool]:
        """Refuse the token with that digest from now on; whether this changed anything."""
        ...

    def revoke_family_tokens(self, family_id: str, at: float, /) -> Answer[None]:
        """Refuse all tokens of a family from now on."""
        ...

    def revoke_subject_tokens(self, subject: str, at: float, /) -> Answer[None]:
        """Refuse all tokens of a subject from now on."""
        ...

    def revoke_client_tokens(self, client_id: str, at: float, /) -> Answer[None]:
        """Refuse all tokens that were given to a client from now on."""
        ...


class ClientStore(Protocol):
    """Finds OAuth clients."""

    def find_client(self, client_id: str, /) -> Answer[Client | None]:
        """The client of that id (compared exactly), or None."""
        ...


class FamilyStore(Protocol):
    """Keeps refresh families."""

    def add_family(self, family: RefreshFamily, /) -> Answer[None]:
        """Store a family that was just begun."""
        ...

    def find_family(self, key: str, /) -> Answer[RefreshFamily | None]:
        """The family with that key, or None."""
        ...

    def rotate(self, rotation: Rotation, /) -> Answer[RotationAnswer]:
        """Put the successor in the place of the token presented, atomically. The first that applies:

        1. no family has the key, or its client is another one: UNKNOWN;
        2. it is revoked or past either end (``<= now``): ENDED;
        3. the token presented is the current one: ROTATED, with ``previous``, ``current``, ``salt``, ``rotated_at``,
           ``last_used_at`` and ``idle_until`` (never beyond ``expires_at``) renewed;
        4. it is the previous one, ``grace > 0`` and ``now - rotated_at <= grace``: RACED, nothing is changed;
        5. anything else: REUSED, the family is revoked as of ``now``.
        """
        ...

    def end_family(self, family_id: str, at: float, /) -> Answer[RefreshFamily | None]:
        """Revoke the family with that id; the family, also when it had ended before, or None."""
        ...

    def end_families(self, subject: str, at: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every family of a subject that has not ended; those that this revoked."""
        ...

    def end_client_families(self, client_id: str, at: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every family of a client that has not ended; those that this revoked."""
        ...

    def families_of(self, subject: str, now: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """The live families of a subject, oldest first."""
        ...


class RevocationStore(Protocol):
    """What processes tell each other about revocations."""

    def publish(self, revocation: Revocation, /) -> Answer[None]:
        """Store a revocation. Whoever reads on from an older cursor after this has answered finds it."""
        ...

    def revocations_after(self, cursor: str, limit: int, /) -> Answer[RevocationPage]:
        """What was published since `cursor`; with an empty one, all that has not expired.

        A page may repeat what an earlier one had. It never misses anything: not what was being published while an
        earlier one was read, nor what came before a cursor that the store no longer knows.
        """
        ...

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...], /) -> Answer[tuple[Revocation, ...]]:
        """The latest revocation of each of `keys` that has one which has not expired."""
        ...


def for_threads(store: RevocationStore) -> RevocationStore:
    """The store that a thread reads: the twin with ``def`` methods that an asynchronous one has as its ``sync``.

    Clients of a database or of Redis belong to the event loop of their first use.
    """
    twin: RevocationStore | None = getattr(store, "sync", None)
    return store if twin is None or not callable(getattr(twin, "revocations_after", None)) else twin


class NonceStore(Protocol):
    """Remembers what may be used once: the counts of a Digest nonce, the ``jti`` of a client's assertion."""

    def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> Answer[NonceUse]:
        """Use `count` of `nonce`, atomically: FRESH once, for a count above all used before, else REPLAYED.

        The store may forget the nonce after `expires_at` (seconds since the epoch).
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


class FamiliarSources(Protocol):
    """A throttle that also knows from where accounts were used, so that attempts by strangers do not lock out users."""

    def remember_source(self, pair: str, until: float, /) -> Answer[None]:
        """Keep `pair`, an account and a source, until then."""
        ...

    def knows_source(self, pair: str, now: float, /) -> Answer[bool]:
        """Whether `pair` is kept."""
        ...

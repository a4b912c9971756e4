"""Ports: the Protocols that a store implements.

A store implements one or more ports, each method as ``def`` or ``async def``. A method answers None for what it does
not know. It raises if it cannot answer: that becomes a 503. A store keeps only digests, never a password, a token or a
key.

Each method is atomic, and its answer is complete: no port has a ``get`` that a ``put`` has to follow. What a method has
answered is durable. The contract tests in `authmw.testing.contract` check all of this for any store.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from authmw.errors import ConfigurationError

if TYPE_CHECKING:  # an application without stores need not load the records
    from authmw.crypto.http_digest import DigestAlgorithm
    from authmw.stores.records import (
        ApiKeyRecord,
        Attempt,
        AttemptOutcome,
        Client,
        DigestUser,
        NonceUse,
        RefreshFamily,
        Reservation,
        Revocation,
        RevocationKind,
        RevocationPage,
        Rotation,
        RotationAnswer,
        TokenRecord,
        User,
        Wait,
    )

T = TypeVar("T")
Answer: TypeAlias = T | Awaitable[T]
"""Return type of a port's method: the answer from a ``def``, an awaitable of the answer from an ``async def``."""


def require_methods(receiver: str, store: object, *methods: str) -> None:
    """Check at construction that `store` has all of `methods`.

    Args:
        receiver: the class or the argument that receives the store, named in the error message.
        store: the object that was passed as a store.
        methods: the methods that `receiver` calls.

    Raises:
        ConfigurationError: `store` is a class and not an instance, or it lacks a method.
    """
    if isinstance(store, type):
        raise ConfigurationError(f"{receiver} needs a store, not its class: pass {store.__name__}(...)")
    missing = _missing_in(store, methods)
    if missing:
        every = " and ".join(f".{method}" for method in methods)
        inside = next((name for name in _ROLES if not _missing_in(getattr(store, name, None), methods)), "")
        line = (
            f"pass its .{inside}, as stores.{inside}" if inside else f"write a class with `def {methods[0]}(self, ...)`"
        )
        raise ConfigurationError(
            f"{receiver} needs a store with {every}: {type(store).__name__} has no {' and no '.join(missing)}; {line}"
        )


_ROLES: Final = (
    *("users", "keys", "clients", "tokens", "families", "nonces", "throttle", "revocations"),
    *("sessions", "pending"),
)


def _missing_in(store: object, methods: tuple[str, ...]) -> list[str]:
    return [f".{method}" for method in methods if not callable(getattr(store, method, None))]


class UserStore(Protocol):
    """Finds users by name."""

    def find(self, username: str, /) -> Answer[User | None]:
        """The user with that name (compared exactly, in NFC), or None."""
        ...


class PasswordUpgrader(Protocol):
    """A user store that can save a better hash after a successful login."""

    def replace_password_hash(self, user_id: str, old: str, new: str, /) -> Answer[bool]:
        """Store `new` if the stored hash still is `old` (compare and set). True if it was stored."""
        ...


class DigestStore(Protocol):
    """Finds the HA1 of users."""

    def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm, /) -> Answer[DigestUser | None]:
        """The user with that name, with the HA1 for `realm` and `algorithm`, or None."""
        ...

    def find_digest_by_userhash(
        self, userhash: str, realm: str, algorithm: DigestAlgorithm, /
    ) -> Answer[DigestUser | None]:
        """As `find_digest`, but by ``H(username ":" realm)`` in lower-case hex (RFC 7616 §3.4.4)."""
        ...


class ApiKeyStore(Protocol):
    """Finds API keys by their digest."""

    def find_key(self, digest: str, /) -> Answer[ApiKeyRecord | None]:
        """The key with that digest, or None."""
        ...

    def touch_key(self, key_id: str, at: float, /) -> Answer[None]:
        """Store `at` as the time of the last use. Called at most once per `ApiKeyVerifier(touch_every=...)` and key."""
        ...


class TokenStore(Protocol):
    """Finds opaque access tokens by their digest."""

    def find_token(self, digest: str, /) -> Answer[TokenRecord | None]:
        """The token with that digest, or None."""
        ...


class TokenKeeper(TokenStore, Protocol):
    """A token store that can also add and revoke tokens."""

    def add_token(self, record: TokenRecord, /) -> Answer[None]:
        """Store a new token."""
        ...

    def revoke_token(self, digest: str, at: float, /) -> Answer[bool]:
        """Refuse the token with that digest from now on. True if this changed something."""
        ...

    def revoke_family_tokens(self, family_id: str, at: float, /) -> Answer[None]:
        """Refuse all tokens of a family from now on."""
        ...

    def revoke_subject_tokens(self, subject: str, at: float, /) -> Answer[None]:
        """Refuse all tokens of a subject from now on."""
        ...

    def revoke_client_tokens(self, client_id: str, at: float, /) -> Answer[None]:
        """Refuse all tokens that were issued to a client from now on."""
        ...


class ClientStore(Protocol):
    """Finds OAuth clients."""

    def find_client(self, client_id: str, /) -> Answer[Client | None]:
        """The client with that id (compared exactly), or None."""
        ...


class FamilyStore(Protocol):
    """Keeps refresh families."""

    def add_family(self, family: RefreshFamily, /) -> Answer[None]:
        """Store a new family."""
        ...

    def find_family(self, key: str, /) -> Answer[RefreshFamily | None]:
        """The family with that key, or None."""
        ...

    def rotate(self, rotation: Rotation, /) -> Answer[RotationAnswer]:
        """Replace the presented token by its successor, atomically. The first rule that applies decides:

        1. no family has the key, or it belongs to another client: UNKNOWN;
        2. the family is revoked, or one of its ends is ``<= now``: ENDED;
        3. the presented token is the current one: ROTATED. ``previous``, ``current``, ``salt``, ``rotated_at``,
           ``last_used_at`` and ``idle_until`` (never beyond ``expires_at``) are set anew;
        4. the presented token is the previous one, ``grace > 0`` and ``now - rotated_at <= grace``: RACED. Nothing is
           changed;
        5. any other token: REUSED. The family is revoked as of ``now``.
        """
        ...

    def end_family(self, family_id: str, at: float, /) -> Answer[RefreshFamily | None]:
        """Revoke the family with that id. Answers the family, even if it had ended before, or None."""
        ...

    def end_families(self, subject: str, at: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every live family of a subject. Answers those that this call revoked."""
        ...

    def end_session_families(self, session_id: str, at: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every live family of a browser session. Answers those that this call revoked."""
        ...

    def end_client_families(self, client_id: str, at: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """Revoke every live family of a client. Answers those that this call revoked."""
        ...

    def families_of(self, subject: str, now: float, /) -> Answer[tuple[RefreshFamily, ...]]:
        """The live families of a subject, oldest first."""
        ...


class RevocationStore(Protocol):
    """Shares revocations between processes."""

    def publish(self, revocation: Revocation, /) -> Answer[None]:
        """Store a revocation. After this has answered, each reader with an older cursor finds it."""
        ...

    def revocations_after(self, cursor: str, limit: int, /) -> Answer[RevocationPage]:
        """The revocations published since `cursor`; with an empty cursor, all that have not expired.

        A page may repeat entries of an earlier page. It never misses one: neither one that was being published while
        an earlier page was read, nor one before a cursor that the store no longer knows.
        """
        ...

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...], /) -> Answer[tuple[Revocation, ...]]:
        """The latest revocation of each of `keys`, without expired ones."""
        ...


def for_threads(store: RevocationStore) -> RevocationStore:
    """The store that a thread may read: the ``sync`` twin of an asynchronous store, which has ``def`` methods.

    An asynchronous client of a database or of Redis belongs to the event loop of its first use.
    """
    twin: RevocationStore | None = getattr(store, "sync", None)
    return store if twin is None or not callable(getattr(twin, "revocations_after", None)) else twin


class NonceStore(Protocol):
    """Remembers values that may be used once: counts of a Digest nonce, the ``jti`` of an assertion or proof."""

    def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> Answer[NonceUse]:
        """Use `count` of `nonce`, atomically: FRESH once, for a count above all used before, else REPLAYED.

        The store may forget the nonce after `expires_at` (seconds since the epoch). The names of one client have all
        up to their last colon in common, so that a store with little room can bound what one client takes. A Digest
        nonce has no colon.
        """
        ...


class Throttle(Protocol):
    """Limits the checks of credentials, by source and by account, so that guessing is slow."""

    def reserve(self, attempt: Attempt, now: float, /) -> Answer[Reservation | Wait]:
        """Reserve one check for `attempt`, atomically, before its credentials are checked.

        Attempts that failed and reservations that are not settled count together. So checks at the same time gain
        nothing. What is answered with a `Wait` is not counted.
        """
        ...

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0, /
    ) -> Answer[None]:
        """End a reservation, atomically. It counts from now on if it `FAILED`, and else not at all.

        A reservation that is never settled, because its process was killed, ends by itself at `held_until`. With
        `familiar_until`, the account is familiar with all marks of the attempt until then (seconds since the epoch).
        """
        ...

    def make_familiar(self, account: str, mark: str, until: float, /) -> Answer[None]:
        """Make `account` familiar with `mark` until then, as a login does: attempts of others no longer delay it."""
        ...

"""Records that stores keep and answer with: users, API keys, tokens, clients, refresh families, revocations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal

from authmw.identity.principal import PrincipalKind

_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


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
        digest: `authmw.stores.token_digest` of the key.
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
        digest: `authmw.stores.token_digest` of the token.
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
    audience: frozenset[str] = frozenset()
    family_id: str | None = None


ClientAuthMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
"""How an OAuth client authenticates (RFC 7591 §2, OpenID Connect Core §9)."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client's secret as it is stored. Secrets are made here and long, so that a plain digest is enough.

    Args:
        digest: `authmw.stores.token_digest` of the secret.
        expires_at: until when it is good, while another takes its place; None for as long as the client.
    """

    digest: str = field(repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client (RFC 6749 §2).

    Args:
        id: the ``client_id``. No user has it for an id (RFC 9068 §5).
        name: what people call it.
        auth_method: the one way in which it authenticates (RFC 7591 §2); ``none`` makes it a public client.
        secrets: any of which it may present.
        jwks: its public JWK Set (RFC 7517 §5), for ``private_key_jwt``.
        grant_types: the grants it may use.
        scopes: the most that it is granted, for itself or on behalf of a user.
        audiences: the APIs whose tokens it may introspect.
        disabled: the client exists, and is refused, with its tokens.
    """

    id: str
    name: str = ""
    auth_method: ClientAuthMethod = "client_secret_basic"
    secrets: tuple[ClientSecret, ...] = ()
    jwks: Mapping[str, Any] | None = None
    grant_types: frozenset[str] = frozenset({"client_credentials"})
    scopes: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()
    disabled: bool = False
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """One login, which lives on from refresh token to refresh token: a session, as its user sees it.

    All refresh tokens of a family begin alike, and only who held one of them knows that beginning. So a family is one
    record however often it was refreshed, and a token of it that is neither the current one nor, for a moment, the
    one before it has been used already.

    Args:
        id: names the family: the ``sid`` of its access tokens, in lists and logs. No secret.
        key: `authmw.stores.token_digest` of what all its refresh tokens begin with.
        current: the digest of the refresh token that is good now; empty for a login that got none.
        subject: the id of the user.
        username: the name by which the user is found again at each refresh.
        client_id: the client it was given to, and the only one that may refresh it.
        scopes: what was granted; a refresh never gets more.
        expires_at: its absolute end, which no refresh moves.
        idle_until: its end unless it is refreshed before.
        previous: the digest of the token before the current one.
        salt: what the current token was derived from the previous one with; no secret without that token.
        rotated_at: when.
        name: what its user may know it by, as the browser's name.
    """

    id: str
    key: str = field(repr=False)
    current: str = field(repr=False)
    subject: str
    username: str
    client_id: str | None
    scopes: frozenset[str]
    created_at: float
    expires_at: float
    idle_until: float
    previous: str = field(default="", repr=False)
    salt: str = field(default="", repr=False)
    rotated_at: float = 0.0
    last_used_at: float | None = None
    revoked_at: float | None = None
    name: str = ""

    def is_live(self, now: float) -> bool:
        """Whether it can still be refreshed."""
        return self.revoked_at is None and now < self.expires_at and now < self.idle_until


@dataclass(frozen=True, slots=True)
class Rotation:
    """A refresh token is presented, and asks for its successor.

    Args:
        key: the family's.
        presented: the digest of the token that was presented.
        successor: the digest of the one to take its place.
        salt: what that one was derived with.
        client_id: who presents it.
        now: the time, in seconds since the epoch.
        idle_until: the family's new end unless it is refreshed again.
        grace: seconds in which the previous token, presented again, gets the same successor.
    """

    key: str = field(repr=False)
    presented: str = field(repr=False)
    successor: str = field(repr=False)
    salt: str = field(repr=False)
    client_id: str | None
    now: float
    idle_until: float
    grace: float = 0.0


class Outcome(Enum):
    """What became of a `Rotation`."""

    ROTATED = "rotated"
    """The successor is the current token now."""
    RACED = "raced"
    """The token was rotated a moment ago: derive its successor again, by the family's ``salt``."""
    REUSED = "reused"
    """The token was used before. The family was live, and this verb revoked it."""
    ENDED = "ended"
    """The family had expired or was revoked before. Nothing was changed."""
    UNKNOWN = "unknown"
    """There is no such family, or it is another client's. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class RotationAnswer:
    """What became of a rotation, and the family after it; None when that is unknown."""

    outcome: Outcome
    family: RefreshFamily | None = None


LONGEST_ACCESS_TOKEN: Final = 86_400.0
"""Seconds that an access token of a family lives at most, so that the family's revocation may be forgotten then."""


LONGEST_TOKEN: Final = 400 * 86_400.0
"""Seconds that any token lives at most."""


REVOCATION_MARGIN: Final = 120.0
"""Seconds that a revocation outlives what it is about: the leeway of a verifier, and clocks that differ."""


RevocationKind = Literal["token", "family", "user", "client"]
"""What is revoked: one token by its ``jti``, a family by its ``sid``, all there is of a user or of a client."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was issued until `at` is refused from now on.

    Args:
        kind: what `id` names.
        id: the ``jti`` or token id, the family's id, the subject, or the client's id.
        at: the time of the revocation. What is issued to a user or client after it holds again.
        expires_at: when everything it is about has expired anyway, so that it may be forgotten.
    """

    kind: RevocationKind
    id: str
    at: float
    expires_at: float

    @classmethod
    def of_token(cls, token_id: str, at: float, token_expires_at: float) -> Revocation:
        """The end of one token."""
        return cls("token", token_id, at, token_expires_at + REVOCATION_MARGIN)

    @classmethod
    def of_family(cls, family_id: str, at: float) -> Revocation:
        """The end of a family, kept for as long as an access token of one may live."""
        return cls("family", family_id, at, at + LONGEST_ACCESS_TOKEN + REVOCATION_MARGIN)

    @classmethod
    def of_user(cls, subject: str, at: float) -> Revocation:
        """The end of everything a user was issued."""
        return cls("user", subject, at, at + LONGEST_TOKEN + REVOCATION_MARGIN)

    @classmethod
    def of_client(cls, client_id: str, at: float) -> Revocation:
        """The end of everything a client was issued."""
        return cls("client", client_id, at, at + LONGEST_TOKEN + REVOCATION_MARGIN)


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """The next revocations, oldest first, and where the page after them begins.

    Args:
        revocations: fewer than were asked for when there are no more at this moment.
        cursor: what to ask with next. Its form is the store's own.
    """

    revocations: tuple[Revocation, ...]
    cursor: str


class NonceUse(Enum):
    """Answer of `NonceStore.use_nonce`."""

    FRESH = "fresh"
    REPLAYED = "replayed"

"""Records that stores keep and answer with: users, API keys, tokens, clients, refresh families, revocations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, Literal

from authmw.identity.principal import PrincipalKind

_NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class User:
    """A user as the engine needs one. The application's own table may hold more.

    Args:
        id: the stable identifier; becomes the id of the principal.
        username: what the user types at a login.
        password_hash: an argon2 (or accepted legacy) hash; None when the user cannot log in by password.
        scopes: what the user may do.
        disabled: the user exists and is refused.
        attributes: become the claims of the principal.
        email: where the user gets mail; empty if it is not known. It is no claim, and no name to log in with.
        email_verified: the user has proved that the address belongs to it.
    """

    id: str
    username: str
    password_hash: str | None = field(default=None, repr=False)
    scopes: frozenset[str] = frozenset()
    disabled: bool = False
    attributes: Mapping[str, Any] = field(default_factory=lambda: _NO_ATTRIBUTES)
    email: str = field(default="", repr=False)
    email_verified: bool = False

    def __post_init__(self) -> None:
        # `asdict` fails on a mappingproxy, so no JSON document has the password hash by mistake.
        if type(self.attributes) is not MappingProxyType:
            object.__setattr__(self, "attributes", MappingProxyType(self.attributes))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return _restored_user, (type(self), {**values, "attributes": dict(self.attributes)})


def _restored_user(kind: type[User], values: dict[str, Any]) -> User:
    return kind(**values)


@dataclass(frozen=True, slots=True)
class DigestUser:
    """A user with the HA1 of one realm and algorithm.

    For that realm the HA1 is equivalent to the password (RFC 7616 §5.2). Protect it like a password.

    Args:
        ha1: ``H(username ":" realm ":" password)`` in lower-case hex (RFC 7616 §3.4.2).
    """

    user: User
    ha1: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """An API key as it is stored: its digest, and what it allows.

    Args:
        id: names the key in lists and logs.
        digest: `authmw.stores.token_digest` of the key.
        owner: the id of the principal that the key stands for.
        name: a label, chosen by the owner.
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
    """A client's secret as it is stored. authmw makes long random secrets, so a plain digest is enough.

    Args:
        digest: `authmw.stores.token_digest` of the secret.
        expires_at: its end, once a newer secret replaces it; None as long as it is the newest.
    """

    digest: str = field(repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client (RFC 6749 §2).

    Args:
        id: the ``client_id``. No user may have the same id (RFC 9068 §5).
        name: a label for people.
        auth_method: its only authentication method (RFC 7591 §2); ``none`` makes it a public client.
        secrets: it may present any of these.
        jwks: its public JWK Set (RFC 7517 §5), for ``private_key_jwt``.
        grant_types: the grants it may use.
        scopes: the scopes that it may be granted at most, for itself or on behalf of a user.
        audiences: the APIs whose tokens it may introspect.
        disabled: the client exists; it and its tokens are refused.
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
    """One chain of refresh tokens, which began with one login. It may belong to a browser session.

    All refresh tokens of a family begin with the same secret text. The digest of this text is the `key` of the family,
    so a family stays one record after any number of refreshes. A token of the family is valid if it is the current one
    or, for a moment, the one before it. Any other token of the family has been used already.

    Args:
        id: names the family in lists and logs, and is the ``sid`` of its access tokens. Not secret.
        key: `authmw.stores.token_digest` of the common beginning of its refresh tokens.
        current: the digest of the valid refresh token; empty for a login without one.
        subject: the id of the user.
        username: finds the user again at each refresh.
        client_id: the client that it was issued to, and the only one that may refresh it.
        scopes: what was granted; a refresh never gets more.
        expires_at: its absolute end. No refresh moves it.
        idle_until: its end if it is not refreshed before.
        previous: the digest of the token before the current one.
        salt: the current token was derived from the previous one with it. Useless without that token.
        rotated_at: the time of the last refresh.
        name: a label for the user, as the name of the browser.
        session_id: the browser session that it belongs to, and ends with; None where it stands alone.
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
    session_id: str | None = None

    def is_live(self, now: float) -> bool:
        """Whether it can still be refreshed at `now` (seconds since the epoch)."""
        return self.revoked_at is None and now < self.expires_at and now < self.idle_until


@dataclass(frozen=True, slots=True)
class Rotation:
    """Request to replace a presented refresh token by its successor.

    Args:
        key: the key of the family.
        presented: the digest of the presented token.
        successor: the digest of the token that replaces it.
        salt: the successor was derived with it.
        client_id: the client that presents the token.
        now: the time, in seconds since the epoch.
        idle_until: the new end of the family if it is not refreshed again.
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
    """Outcome of a `Rotation`."""

    ROTATED = "rotated"
    """The successor is the current token now."""
    RACED = "raced"
    """The token was rotated a moment ago: derive its successor again, with the ``salt`` of the family."""
    REUSED = "reused"
    """The token was used before. The family was live, and this call revoked it."""
    ENDED = "ended"
    """The family had expired or was revoked before. Nothing was changed."""
    UNKNOWN = "unknown"
    """There is no such family, or it belongs to another client. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class RotationAnswer:
    """Outcome of a rotation, and the family after it; None if the family is unknown."""

    outcome: Outcome
    family: RefreshFamily | None = None


LONGEST_ACCESS_TOKEN: Final = 86_400.0
"""The longest lifetime of an access token of a family, in seconds. After it the family's revocation may be dropped."""


LONGEST_TOKEN: Final = 400 * 86_400.0
"""The longest lifetime of any token, in seconds."""


REVOCATION_MARGIN: Final = 120.0
"""Seconds that a revocation is kept after the last token that it refuses: for leeway and for different clocks."""


RevocationKind = Literal["token", "family", "user", "client"]
"""Kind of a revocation: one token by its ``jti``, a family by its ``sid``, or all tokens of a user or of a client."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Order to refuse what was issued until `at`.

    Args:
        kind: the kind of thing that `id` names.
        id: the ``jti`` or token id, the family's id, the subject, or the client's id.
        at: the time of the revocation. Tokens issued to a user or client after it are valid.
        expires_at: by then everything that it refuses has expired anyway, so it may be dropped.
    """

    kind: RevocationKind
    id: str
    at: float
    expires_at: float

    @classmethod
    def of_token(cls, token_id: str, at: float, token_expires_at: float) -> Revocation:
        """The revocation of one token."""
        return cls("token", token_id, at, token_expires_at + REVOCATION_MARGIN)

    @classmethod
    def of_family(cls, family_id: str, at: float) -> Revocation:
        """The revocation of a family, kept as long as an access token of it may be valid."""
        return cls("family", family_id, at, at + LONGEST_ACCESS_TOKEN + REVOCATION_MARGIN)

    @classmethod
    def of_user(cls, subject: str, at: float) -> Revocation:
        """The revocation of everything that was issued to a user."""
        return cls("user", subject, at, at + LONGEST_TOKEN + REVOCATION_MARGIN)

    @classmethod
    def of_client(cls, client_id: str, at: float) -> Revocation:
        """The revocation of everything that was issued to a client."""
        return cls("client", client_id, at, at + LONGEST_TOKEN + REVOCATION_MARGIN)


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """The next revocations, oldest first, and the cursor of the page after them.

    Args:
        revocations: fewer than asked for if there are no more at this moment.
        cursor: for the next call. Its form belongs to the store.
    """

    revocations: tuple[Revocation, ...]
    cursor: str


class NonceUse(Enum):
    """Answer of `NonceStore.use_nonce`."""

    FRESH = "fresh"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to log in, before its credentials are checked. All its texts are keys, made by the engine.

    Args:
        source: the peer; empty if the server does not know it.
        account: the account, whether it exists or not; empty for credentials that belong to no account.
        network: the network of the peer, by which accounts take turns.
        marks: what the account may be familiar with: digests of the account with the peer, or with a device.
        guessable: whether the secret can be guessed, as a password. The checks of a random secret are not held: checks
            at the same time gain a guesser nothing.
    """

    source: str
    account: str = ""
    network: str = ""
    marks: tuple[str, ...] = ()
    guessable: bool = True


@dataclass(frozen=True, slots=True)
class Reservation:
    """The permission to check the credentials of one attempt. It has to be settled.

    Args:
        attempt: the attempt.
        mark: the mark of the attempt that the account is familiar with; empty for none.
        known_until: the time until which it is.
        held_until: the time at which it is given back if nobody settles it. It tells it apart from others.
        served: when the network had its last turn before.
    """

    attempt: Attempt
    mark: str = ""
    known_until: float = 0.0
    held_until: float = 0.0
    served: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """No check is free for an attempt.

    Args:
        seconds: after which one may be free.
        source_failed: whether that is so because the source made too many attempts that failed.
    """

    seconds: float
    source_failed: bool = False


class AttemptOutcome(Enum):
    """What became of an attempt. Only `FAILED` is a guess."""

    SUCCEEDED = "succeeded"
    """The credentials were right."""
    FAILED = "failed"
    """The credentials were wrong."""
    ABANDONED = "abandoned"
    """They were not judged, as when a store was down; or they were right, but came too late, as a replay."""

"""Records of people in browsers: sessions, their renewal, and what is pending for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One login of a user in one browser. It lives by its cookie.

    All values of the cookie begin with the same secret text. The digest of this text is the `key` of the session, so a
    session stays one record after any number of renewals. A value is valid if it is the current one or, for a moment,
    the one before it.

    Args:
        id: names the session in lists and logs, and is the ``sid`` of what it begins. Not secret.
        key: `authmw.stores.token_digest` of the common beginning of the values of its cookie.
        current: the digest of the valid value of the cookie.
        subject: the id of the user.
        scopes: the scopes of the user when the session was begun or renewed.
        created_at: when it began, in seconds since the epoch, as all times here.
        authenticated_at: when the user last proved who it is: ``auth_time`` (OpenID Connect Core §2).
        expires_at: its absolute end. No use moves it.
        idle_for: seconds after which it ends if it is not used.
        idle_until: its end if it is not used before.
        last_used_at: the last use that was written. It is written at most once per tenth of `idle_for`.
        amr: how the user proved it (RFC 8176), as ``("pwd",)``.
        acr: the authentication context (OpenID Connect Core §2); empty if none is named.
        previous: the digest of the value before the current one.
        salt: the current value was derived from the previous one with it. Useless without that value.
        renewed_at: the time of the last renewal.
        ended_at: when it was ended; None while it lives.
        remembered: the user asked to be remembered: the cookie outlives the browser's own session.
        name: a label for the user, as the name of the browser.
    """

    id: str
    key: str = field(repr=False)
    current: str = field(repr=False)
    subject: str
    scopes: frozenset[str]
    created_at: float
    authenticated_at: float
    expires_at: float
    idle_for: float
    idle_until: float
    last_used_at: float
    amr: tuple[str, ...] = ()
    acr: str = ""
    previous: str = field(default="", repr=False)
    salt: str = field(default="", repr=False)
    renewed_at: float = 0.0
    ended_at: float | None = None
    remembered: bool = False
    name: str = ""

    def is_live(self, now: float) -> bool:
        """Whether it is valid at `now` (seconds since the epoch)."""
        return self.ended_at is None and now < self.expires_at and now < self.idle_until


@dataclass(frozen=True, slots=True)
class Renewal:
    """Request to give a session another cookie: at a login, and when the rights of its user have changed.

    Args:
        key: the key of the session.
        presented: the digest of the value that was presented.
        successor: the digest of the value that replaces it.
        salt: the successor was derived with it.
        now: the time, in seconds since the epoch.
        scopes: the scopes of the user now.
        grace: seconds in which the value before, presented again, gets the same successor.
        authenticated_at: when the user proved who it is; None if this is no login.
        amr: how the user proved it; None to keep what the session has.
        acr: the authentication context; None to keep what the session has.
    """

    key: str = field(repr=False)
    presented: str = field(repr=False)
    successor: str = field(repr=False)
    salt: str = field(repr=False)
    now: float
    scopes: frozenset[str]
    grace: float = 30.0
    authenticated_at: float | None = None
    amr: tuple[str, ...] | None = None
    acr: str | None = None


class RenewalOutcome(Enum):
    """Outcome of a `Renewal`."""

    RENEWED = "renewed"
    """The successor is the valid value now."""
    RACED = "raced"
    """The session was renewed a moment ago: derive its successor again, with the ``salt`` of the session."""
    ENDED = "ended"
    """The session had expired or was ended before. Nothing was changed."""
    UNKNOWN = "unknown"
    """There is no such session, or the value is an older one. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class RenewalAnswer:
    """Outcome of a renewal, and the session after it; None if the session is unknown."""

    outcome: RenewalOutcome
    session: BrowserSession | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """Something that a person has begun and that is finished once: a link in a mail, the next step of a login.

    Args:
        digest: `authmw.stores.token_digest` of the secret by which it is found.
        kind: what it is for, as ``recovery``. A secret of one kind is worth nothing for another.
        subject: the id of the user; empty where it is not known yet.
        expires_at: its end, in seconds since the epoch.
        data: what is needed to finish it. It holds no secret.
    """

    digest: str = field(repr=False)
    kind: str
    subject: str
    expires_at: float
    data: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)

    def __post_init__(self) -> None:
        if type(self.data) is not MappingProxyType:
            object.__setattr__(self, "data", MappingProxyType(self.data))

    def __reduce__(self) -> tuple[Any, ...]:
        values = (self.digest, self.kind, self.subject, self.expires_at, dict(self.data))  # a mappingproxy stays here
        return type(self), values

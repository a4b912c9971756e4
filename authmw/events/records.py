"""Events: one frozen record for each kind. None has a field for a password, a token or a key.

Each text is one line: what is not printable is escaped, and long text is cut, so that a listener may write it anywhere.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from typing import ClassVar, Final

_MAX_TEXT: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What authmw did. The class says which event it is, and so does `name`.

    Args:
        at: when, in seconds since the epoch.

    >>> event = Revoked(kind="session", id="login_1", at=0.0)
    >>> event.name, event.fields()
    ('revoked', {'at': 0.0, 'kind': 'session', 'id': 'login_1'})
    """

    name: ClassVar[str] = "event"
    """The name of the event, the same for all of a class."""
    labels: ClassVar[tuple[str, ...]] = ()
    """The fields that have few values, so that metrics may be counted by them."""
    at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        """Put each text on one line."""
        for each in fields(self):
            value: object = getattr(self, each.name)
            if isinstance(value, str):
                object.__setattr__(self, each.name, _on_one_line(value))
            elif isinstance(value, tuple):
                object.__setattr__(self, each.name, tuple(_on_one_line(str(text)) for text in value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

    def fields(self) -> dict[str, str | float | tuple[str, ...]]:
        """The fields that are known, by name: for logs in JSON, and for listeners that treat all events alike."""
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in known.items() if value not in ("", ())}


def _on_one_line(text: str) -> str:
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAuthenticated(Event):
    """A request was let in, with its caller. What the view needs is decided after it.

    Args:
        principal: the id of the caller.
        scheme: the name of the security scheme.
        credential: the id of the token or key: a ``jti``, never the token.
        client: the OAuth client that acts for the caller.
        source: the address of the peer.
        method: of the request.
        path: of the request.
    """

    name: ClassVar[str] = "authenticated"
    labels: ClassVar[tuple[str, ...]] = ("scheme",)
    principal: str
    scheme: str = ""
    credential: str = ""
    client: str = ""
    source: str = ""
    method: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Event):
    """A request was refused, by the guard, by a view, or by an endpoint of the token service.

    Args:
        code: `Reason.code`, as ``authmw.scope-missing``; at an endpoint the error of OAuth, as ``invalid_client``.
        status: of the response; 503 where nothing could be decided.
        principal: the id of the caller, where the caller is known.
        credential: the id of the token or key.
        missing: the scopes that the caller lacks.
        client: the OAuth client.
        source: the address of the peer.
        method: of the request.
        path: of the request.
        endpoint: of the token service, as ``token``.
        detail: what the code does not say.
    """

    name: ClassVar[str] = "refused"
    labels: ClassVar[tuple[str, ...]] = ("code", "endpoint")
    code: str
    status: int
    principal: str = ""
    credential: str = ""
    missing: tuple[str, ...] = ()
    client: str = ""
    source: str = ""
    method: str = ""
    path: str = ""
    endpoint: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn(Event):
    """A session began: a user logged in by name and password at the token service.

    Args:
        principal: the id of the user.
        session: the id of the session.
        client: the OAuth client.
        source: the address of the peer.
        seconds: how long it took.
    """

    name: ClassVar[str] = "logged_in"
    principal: str
    session: str = ""
    client: str = ""
    source: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFailed(Event):
    """A login at the token service failed. The user name is not told: people type passwords into that field.

    Args:
        code: `Reason.code`, as ``authmw.password-wrong``.
        client: the OAuth client.
        source: the address of the peer.
        seconds: how long it took.
    """

    name: ClassVar[str] = "login_failed"
    labels: ClassVar[tuple[str, ...]] = ("code",)
    code: str
    client: str = ""
    source: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(Event):
    """An access token was issued, by any grant or in a cookie.

    Args:
        grant: ``password``, ``refresh_token`` or ``client_credentials``.
        principal: the id of the user or client that it is about.
        session: the id of the session.
        client: the OAuth client.
        scopes: what it allows.
        source: the address of the peer.
        seconds: how long it took.
    """

    name: ClassVar[str] = "token_issued"
    labels: ClassVar[tuple[str, ...]] = ("grant",)
    grant: str
    principal: str
    session: str = ""
    client: str = ""
    scopes: tuple[str, ...] = ()
    source: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed(Event):
    """A session got new tokens for its refresh token.

    Args:
        principal: the id of the user.
        session: the id of the session.
        client: the OAuth client.
        source: the address of the peer.
        seconds: how long it took.
    """

    name: ClassVar[str] = "refreshed"
    principal: str
    session: str = ""
    client: str = ""
    source: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseDetected(Event):
    """A refresh token was used a second time, so its session was ended: one of two parties is an attacker.

    Args:
        principal: the id of the user.
        session: the id of the session.
        client: the OAuth client.
    """

    name: ClassVar[str] = "reuse_detected"
    principal: str
    session: str
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked(Event):
    """A token, a key or a session was revoked, or everything of a user or a client.

    Args:
        kind: ``token``, ``key``, ``session``, ``user`` or ``client``.
        id: of the token (its ``jti``), the key, the session, the user or the client.
    """

    name: ClassVar[str] = "revoked"
    labels: ClassVar[tuple[str, ...]] = ("kind",)
    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Event):
    """Credentials were not checked, since there were too many attempts.

    Args:
        by: ``source`` for attempts from one address, ``account`` for attempts on one account.
        source: the address of the peer.
        retry_after: seconds until the next attempt.
    """

    name: ClassVar[str] = "throttled"
    labels: ClassVar[tuple[str, ...]] = ("by",)
    by: str
    source: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysRotated(Event):
    """The keys by which tokens are verified changed, in a ring of this process or at an issuer.

    Args:
        issuer: the issuer; empty for a ring of this process.
        added: the names (``kid``) of new keys.
        removed: the names of keys whose tokens are refused from now on.
    """

    name: ClassVar[str] = "keys_rotated"
    labels: ClassVar[tuple[str, ...]] = ("issuer",)
    issuer: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerUnreachable(Event):
    """The keys of an issuer could not be fetched. Several failures in a row are one event each.

    Args:
        issuer: the issuer.
        reason: why.
        keys: ``kept`` where the known keys are used for now, ``none`` where its tokens are answered by 503.
    """

    name: ClassVar[str] = "issuer_unreachable"
    labels: ClassVar[tuple[str, ...]] = ("issuer", "keys")
    issuer: str
    reason: str = ""
    keys: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """A user was created or changed.

    Args:
        principal: the id of the user.
        change: ``created``, ``disabled``, ``enabled``, ``password``, ``scopes``, ``email``, ``renamed`` or ``deleted``,
            and what a store of yours says.
    """

    name: ClassVar[str] = "user_changed"
    labels: ClassVar[tuple[str, ...]] = ("change",)
    principal: str
    change: str


KINDS: Final[tuple[type[Event], ...]] = (
    RequestAuthenticated,
    RequestRefused,
    LoggedIn,
    LoginFailed,
    TokenIssued,
    Refreshed,
    ReuseDetected,
    Revoked,
    Throttled,
    KeysRotated,
    IssuerUnreachable,
    UserChanged,
)
"""The class of each event."""

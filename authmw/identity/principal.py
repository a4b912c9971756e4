"""Who was authenticated. Anonymous is a principal too, so that nobody needs to test for None."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NoReturn

from authmw.errors import ConfigurationError
from authmw.identity.calling import require
from authmw.identity.scopes import checked_scopes

PrincipalKind = Literal["user", "client", "api_key", "anonymous"]
"""What a principal is: a person, an OAuth client acting for itself, the holder of an API key, or nobody."""

Claims = Mapping[str, Any]
"""What the credential says about its principal: the payload of a JWT, the attributes of a user record."""

_KINDS: Final = frozenset({"user", "client", "api_key", "anonymous"})
_NO_CLAIMS: Final[Claims] = MappingProxyType({})


class Principal:
    """Who was authenticated, and what they may do. Immutable.

    Args:
        id: the stable identifier: the ``sub`` of a token, the id of a user record. Not empty, unless anonymous.
        scopes: what the principal may do (RFC 6749 §3.3).
        kind: what the principal is.
        claims: what the credential says; a mapping, or a function that makes it when somebody asks.
        scheme: the name of the security scheme that authenticated.
        client_id: the OAuth client that acts, if one is known.
        credential_id: the identifier of the credential itself (a ``jti``, the id of an API key): for logs and
            for revocation. Never the credential.
        expires_at: when the credential stops being valid, in seconds since the epoch.
        name: what to show to people; the id when it is empty.

    >>> alice = Principal("alice", scopes={"orders:read"})
    >>> alice
    Principal(id='alice', kind='user', scopes=['orders:read'])
    >>> alice.can("orders:read"), alice.can("orders:read", "orders:write")
    (True, False)
    """

    __slots__ = ("_claims", "client_id", "credential_id", "expires_at", "id", "kind", "name", "scheme", "scopes")

    id: str
    scopes: frozenset[str]
    kind: PrincipalKind
    scheme: str
    client_id: str | None
    credential_id: str | None
    expires_at: float | None
    name: str
    _claims: Claims | Callable[[], Claims]

    def __init__(
        self,
        id: str,
        *,
        scopes: Iterable[str] = frozenset(),
        kind: PrincipalKind = "user",
        claims: Claims | Callable[[], Claims] = _NO_CLAIMS,
        scheme: str = "",
        client_id: str | None = None,
        credential_id: str | None = None,
        expires_at: float | None = None,
        name: str = "",
    ) -> None:
        if not isinstance(id, str):  # pyright: ignore[reportUnnecessaryIsInstance] - not all callers check types
            raise TypeError(f"a principal's id is a str, not {type(id).__name__}: write Principal(str(user.id))")
        if kind not in _KINDS:
            raise ValueError(f"kind={kind!r} has to be user, client, api_key or anonymous")
        if not id and kind != "anonymous":
            raise ValueError("a principal has an id that is not empty")
        write = object.__setattr__
        write(self, "id", id)
        write(self, "scopes", scopes if type(scopes) is frozenset else _set_of(scopes))
        write(self, "kind", kind)
        write(self, "_claims", claims)
        write(self, "scheme", scheme)
        write(self, "client_id", client_id)
        write(self, "credential_id", credential_id)
        write(self, "expires_at", expires_at)
        write(self, "name", name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Principal is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Principal is immutable: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Principal):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in ("claims", *_COMPARED))

    def __hash__(self) -> int:
        return hash((self.id, self.kind, self.scopes))

    def __repr__(self) -> str:
        return f"Principal(id={self.id!r}, kind={self.kind!r}, scopes={sorted(self.scopes)!r})"

    def authenticated_by(self, scheme: str) -> Principal:
        """This principal with its scheme named: a copy, since the application may hold this one for others."""
        if self.scheme == scheme:
            return self
        return Principal(
            self.id,
            scopes=self.scopes,
            kind=self.kind,
            claims=self._claims,
            scheme=scheme,
            client_id=self.client_id,
            credential_id=self.credential_id,
            expires_at=self.expires_at,
            name=self.name,
        )

    @property
    def claims(self) -> Claims:
        """What the credential says about its principal. Read only."""
        claims = self._claims
        return MappingProxyType(dict(claims())) if callable(claims) else claims

    @property
    def is_authenticated(self) -> bool:
        """Whether this is somebody: False only for `ANONYMOUS`."""
        return self.kind != "anonymous"

    @property
    def display_name(self) -> str:
        """What to show to people (Starlette's word)."""
        return self.name or self.id

    @property
    def identity(self) -> str:
        """The stable identifier (Starlette's word for `id`)."""
        return self.id

    def can(self, *scopes: str) -> bool:
        """Whether the principal is authenticated and has all of `scopes`, of which there is at least one.

        Raises:
            ConfigurationError: no scope, or something that is none, as a list.
        """
        return self.is_authenticated and self.scopes.issuperset(_some(scopes))

    def require(self, *scopes: str) -> None:
        """Refuse the request unless the principal has all of `scopes`, for code inside a view.

        Raises:
            ConfigurationError: no scope, or something that is none, as a list.
            AccessRefused: answered as 401 when anonymous, else as 403 ``insufficient_scope``.
        """
        require(_some(scopes), self)


def _set_of(scopes: Iterable[str]) -> frozenset[str]:
    if isinstance(scopes, str):
        raise ValueError(f"scopes={scopes!r} has to be a set or a list: a string would be taken for its letters")
    return frozenset(scopes)


def _some(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if not scopes:
        raise ConfigurationError('say which scopes: can("orders:read"), or is_authenticated for anyone')
    return checked_scopes(scopes)


_COMPARED = ("id", "scopes", "kind", "scheme", "client_id", "credential_id", "expires_at", "name")

ANONYMOUS: Final = Principal("", kind="anonymous")
"""Nobody: what a public route sees when no credentials were presented."""

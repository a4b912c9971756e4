"""Principal: the authenticated caller of a request. An anonymous caller is a principal too, and never None."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, TypeVar, cast

from authmw.errors import ConfigurationError
from authmw.identity.calling import require
from authmw.identity.read_only import ReadOnlyDict
from authmw.identity.scopes import checked_scopes

PrincipalKind = Literal["user", "client", "api_key", "anonymous"]
"""The kind of a principal: a user, an OAuth client that acts for itself, the owner of an API key, or anonymous."""

Claims = Mapping[str, Any]
"""The attributes of a principal that its credential contains: the payload of a JWT, the fields of a user record."""

_KINDS: Final = frozenset({"user", "client", "api_key", "anonymous"})
_LATEST: Final = 2**53
"""The last second that a number of JSON counts exactly (RFC 8259 §6)."""
_NO_CLAIMS: Final[Claims] = ReadOnlyDict()


class Principal:
    """The authenticated caller, with its scopes. Immutable.

    Args:
        id: the stable identifier: the ``sub`` of a token, the id of a user record. Empty only for `ANONYMOUS`.
        scopes: the scopes that the principal has (RFC 6749 §3.3).
        kind: the kind of the principal.
        claims: the attributes from the credential: a mapping, or a function that makes it whenever it is read.
        scheme: the name of the security scheme that authenticated the principal.
        client_id: the OAuth client that acts for the principal, if it is known.
        credential_id: the identifier of the credential (a ``jti``, the id of an API key), for logs and revocation.
            Never the credential itself.
        expires_at: when the credential expires, in seconds since the epoch.
        name: the name to display. If it is empty, the id is displayed.

    Raises:
        ValueError: `kind` is unknown, `id` is empty, or `scopes` is a string.
        TypeError: `id` is not a str.

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
        if type(scopes) is not frozenset:
            scopes = _set_of(scopes)
        known: Any = claims if claims is _NO_CLAIMS or callable(claims) else _read_only(claims)
        if type(self) is not Principal:  # a subclass may have more slots, or a __dict__
            write = object.__setattr__
            write(self, "scopes", scopes)
            write(self, "_claims", known)
            others = (id, kind, scheme, client_id, credential_id, expires_at, name)
            for slot, value in zip(_OTHERS, others, strict=True):
                write(self, slot, value)
            return
        # One is made for each credential that is verified: as a draft, which can be written, it takes half the time.
        draft: Any = self
        object.__setattr__(draft, "__class__", _Draft)
        draft.id = id
        draft.scopes = scopes
        draft.kind = kind
        draft.scheme = scheme
        draft.client_id = client_id
        draft.credential_id = credential_id
        draft.expires_at = expires_at
        draft.name = name
        draft._claims = known
        draft.__class__ = Principal

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

    def __reduce__(self) -> tuple[Any, ...]:
        # A function that makes the claims stays here: it may hold anything.
        return _restored, (type(self), {**_state_of(self), "_claims": self.claims})

    def __copy__(self) -> Self:
        return self

    if not TYPE_CHECKING:  # asked by pydantic, and by nobody else

        @classmethod
        def __get_pydantic_core_schema__(cls, source: object, handler: Callable[[object], object]) -> object:
            """The schema of pydantic, where arbitrary types are allowed; otherwise the line to write for FastAPI."""
            try:
                return handler(source)
            except Exception as error:
                if type(error).__name__ != "PydanticSchemaGenerationError":  # its module is not imported here
                    raise
                raise ConfigurationError(
                    "no client sends a Principal: write caller: CurrentPrincipal, or "
                    'caller: Annotated[Principal, Scopes("orders:read")], both of authmw_fastapi; and return its '
                    "fields, as caller.id"
                ) from None

    def authenticated_by(self, scheme: str) -> Self:
        """This principal with `scheme` as its scheme. A copy, because the application may keep this object."""
        if self.scheme == scheme:
            return self
        if type(self) is not Principal:
            return _restored(type(self), {**_state_of(self), "scheme": scheme})
        copied: Any = checked_principal(
            self.id,
            self.scopes,
            self.kind,
            self._claims,
            scheme,
            self.client_id,
            self.credential_id,
            self.expires_at,
            self.name,
        )
        return copied  # type: ignore[no-any-return]

    @property
    def claims(self) -> Claims:
        """The attributes of the principal from its credential: a dict that is read-only."""
        claims = self._claims
        return _read_only(claims()) if callable(claims) else claims

    @property
    def auth_time(self) -> float | None:
        """When the user was authenticated, in seconds since the epoch (OpenID Connect Core §2); None if not known."""
        value: object = self.claims.get("auth_time")
        if type(value) not in (int, float) or not 0 <= cast("float", value) <= _LATEST:
            return None
        return float(cast("float", value))

    @property
    def acr(self) -> str:
        """The level by which the user was authenticated (OpenID Connect Core §2); empty if it is not known."""
        value: object = self.claims.get("acr")
        return value if isinstance(value, str) else ""

    @property
    def amr(self) -> tuple[str, ...]:
        """The methods by which the user was authenticated, as ``pwd`` and ``otp`` (RFC 8176); empty if not known."""
        value: object = self.claims.get("amr")
        methods = cast("list[object]", value) if isinstance(value, list | tuple) else []
        return tuple(cast("list[str]", methods)) if all(isinstance(each, str) for each in methods) else ()

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller is authenticated. False only for `ANONYMOUS`."""
        return self.kind != "anonymous"

    @property
    def display_name(self) -> str:
        """The name to display (as Starlette calls it)."""
        return self.name or self.id

    @property
    def identity(self) -> str:
        """The stable identifier (as Starlette calls `id`)."""
        return self.id

    def can(self, *scopes: str) -> bool:
        """Whether the principal is authenticated and has all of `scopes`.

        Raises:
            ConfigurationError: there is no argument, or one is not a scope (such as a list).
        """
        return self.is_authenticated and self.scopes.issuperset(_some(scopes))

    def require(self, *scopes: str) -> None:
        """Refuse the request unless the principal has all of `scopes`. For code inside a view.

        Raises:
            ConfigurationError: there is no argument, or one is not a scope (such as a list).
            AccessRefused: a scope is missing. It becomes a 401 for an anonymous caller, and otherwise a 403
                ``insufficient_scope``.
        """
        require(_some(scopes), self)


class _Draft:
    """A principal that can still be written: the same slots in the same order, and no more."""

    __slots__ = Principal.__slots__


def checked_principal(  # noqa: PLR0917 - by their names, the arguments would cost as much as the rest
    id: str,
    scopes: frozenset[str],
    kind: PrincipalKind,
    claims: Claims | Callable[[], Claims],
    scheme: str,
    client_id: str | None,
    credential_id: str | None,
    expires_at: float | None,
    name: str = "",
) -> Principal:
    """A principal of values that a verifier has checked: in half the time of the constructor, which checks them.

    Args: those of `Principal`. Only the scopes are looked at, since a verifier of the application may say them.

    Raises:
        ValueError: `scopes` is a string.
    """
    if type(scopes) is not frozenset:  # of a verifier of the application: text would be searched for a scope
        scopes = _set_of(scopes)
    draft: Any = _new(_Draft)
    draft.id = id
    draft.scopes = scopes
    draft.kind = kind
    draft.scheme = scheme
    draft.client_id = client_id
    draft.credential_id = credential_id
    draft.expires_at = expires_at
    draft.name = name
    draft._claims = claims
    draft.__class__ = Principal
    made: Principal = draft
    return made


_new: Final = object.__new__


def _read_only(claims: Claims) -> ReadOnlyDict[Any]:
    if type(claims) is ReadOnlyDict:
        return claims  # pyright: ignore[reportUnknownVariableType] - of whatever values
    return ReadOnlyDict(claims)


def _state_of(principal: Principal) -> dict[str, Any]:
    """All attributes of `principal`, those of a subclass too."""
    attributes, slots = cast("tuple[dict[str, Any] | None, dict[str, Any]]", object.__getstate__(principal))
    return {**(attributes or {}), **slots}


P = TypeVar("P", bound=Principal)


def _restored(kind: type[P], state: Mapping[str, Any]) -> P:
    """A principal of that class with that state. A subclass may have another constructor, so none is called."""
    made = kind.__new__(kind)
    for name, value in state.items():
        object.__setattr__(made, name, value)
    return made


def _set_of(scopes: Iterable[str]) -> frozenset[str]:
    if isinstance(scopes, str):
        raise ValueError(
            f"scopes={scopes!r} has to be a set or a list, because a string would be read as a list of letters: "
            f"write scopes={scopes.split()}"
        )
    return frozenset(scopes)


def _some(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if not scopes:
        raise ConfigurationError('name at least one scope: can("orders:read"); is_authenticated needs no scope')
    return checked_scopes(scopes)


_OTHERS: Final = ("id", "kind", "scheme", "client_id", "credential_id", "expires_at", "name")
_COMPARED: Final = ("scopes", *_OTHERS)

ANONYMOUS: Final = Principal("", kind="anonymous")
"""The principal of a request without credentials, on a public route."""

"""Base of security schemes: extraction, challenge, description for OpenAPI; combinations by ``|`` and ``&``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, cast

from authmw.errors import ConfigurationError, NoDependency
from authmw.http.challenge import Challenge
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected, Remembered
from authmw.verifiers.base import C, Verifier, as_verifier
from authmw.verifiers.lookup import arguments_for

if TYPE_CHECKING:
    from authmw.stores.ports import Answer


class Alternatives(NoDependency, ABC):
    """A scheme, or several schemes combined by ``|`` (one of) and ``&`` (all of)."""

    def __or__(self, other: Alternatives) -> Alternatives:
        return OneOf.of(self, other)

    def __and__(self, other: Alternatives) -> Alternatives:
        return AllOf.of(self, other)

    @property
    @abstractmethod
    def schemes(self) -> tuple[SecurityScheme[Any], ...]:
        """All schemes of the combination, in the order of declaration."""


class SecurityScheme(Alternatives, Generic[C]):
    """A security scheme in the sense of OpenAPI (how a credential travels), together with its verifier.

    Args:
        verifier: verifies the credentials from `extract`. Without one the scheme extracts and authenticates nobody.
        name: the key under ``components.securitySchemes``; the class's name by default.
        description: for the OpenAPI document (CommonMark).
    """

    in_authorization: ClassVar[bool] = False
    """Whether the credential travels in the ``Authorization`` header."""

    in_cookie: ClassVar[bool] = False
    """Whether the credential travels in a cookie. Browsers send cookies without being asked, so that one which
    authenticates nobody is no reason to refuse a request that needs no credentials."""

    vary: str = "Authorization"
    """The request headers that the response depends on, separated by a comma and a space."""

    auth_type: ClassVar[str] = "ApiKey"
    """The scheme's name in a challenge, and the ``AUTH_TYPE`` of WSGI."""

    extracts: ClassVar[type | None] = None
    """The type of its credentials; None to not check the verifier's `accepts`."""

    def __init__(
        self,
        verifier: Verifier[C] | Callable[..., Answer[Principal | None]] | None = None,
        *,
        name: str = "",
        description: str = "",
    ) -> None:
        self.verifier: Verifier[C] | None = as_verifier(verifier, type(self).__name__, self._arguments())
        self.name: str = name or type(self).__name__
        self.description = description
        named: Any = self.verifier
        self._check_fit(getattr(named, "accepts", None))
        if getattr(named, "scheme", None) == "":
            named.scheme = self.name

    def _arguments(self) -> int | None:
        """The number of arguments with which a function verifies the credentials; None if it is not known."""
        return None if self.extracts is None else arguments_for(self.extracts)

    def _check_fit(self, accepts: tuple[type, ...] | None) -> None:
        """Refuse a verifier of other credentials, if both declare their type."""
        if accepts is None or self.extracts is None or issubclass(self.extracts, accepts):
            return
        raise ConfigurationError(
            f"{type(self).__name__} extracts {self.extracts.__name__}, and {type(self.verifier).__name__} verifies "
            f"{' or '.join(each.__name__ for each in accepts)}: pair each scheme with a verifier for its credentials, "
            "as HTTPBasic(PasswordVerifier(...)), HTTPBearer(JWTVerifier(...)) or "
            "APIKeyHeader(name, ApiKeyVerifier(...))"
        )

    def bind(self, realm: str) -> None:
        """Set the realm of the `Auth` that this scheme belongs to. Most schemes do not need it."""

    @property
    def schemes(self) -> tuple[SecurityScheme[Any], ...]:
        """Itself."""
        return (self,)

    @abstractmethod
    def extract(self, request: RequestHead) -> C | Rejected | None:
        """The credentials; None if the request has none of this scheme; `Rejected` if they do not parse."""

    @abstractmethod
    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """The challenge that tells the client which credentials to send.

        Args:
            realm: the protection space.
            rejected: why the credentials of this scheme were refused; None if the request has none.
            scopes: all scopes that the operation needs, if they are known.
        """

    def challenges(
        self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()
    ) -> tuple[Challenge, ...]:
        """All challenges of this scheme, in order of preference: one, except that Digest has one per algorithm."""
        return (self.challenge(realm, rejected=rejected, scopes=scopes),)

    def clearing(self, rejected: Rejected) -> tuple[tuple[str, str], ...]:
        """The headers that clear the cookie of this scheme; none to keep it.

        Args:
            rejected: why the cookie authenticates nobody.
        """
        return ()

    def recall(self, request: RequestHead) -> Remembered | None:
        """The verdict that is remembered for the credentials of `request`; None where they have to be verified.

        Only a scheme whose credentials are in a cookie may override it. It must not wait.
        """
        return None

    def recall_cookies(self, cookies: bytes) -> Remembered | None:
        """As `recall`, by the ``Cookie`` header alone, for a request that no other site may have caused.

        It has a safe method or comes from a page of the application, and is no websocket. None where it takes a closer
        look at the request. `recalls_cookies` says whether it is called.
        """
        return None

    @property
    def recalls_cookies(self) -> bool:
        """Whether nothing but the ``Cookie`` header decides about the credentials of such a request."""
        return False

    def recall_header(self, value: bytes) -> Remembered | None:
        """The verdict on the value of the header `recalls_header`, which came once; None where it takes a closer look.

        It must not wait, and must not raise. Only a scheme of authmw is asked.
        """
        return None

    @property
    def recalls_header(self) -> str:
        """The header (lower case) that alone decides about the credentials. Empty: `recall_header` is not called.

        It is read once, when the `Auth` is made.
        """
        return ""

    def form_token(self, request: RequestHead) -> str:
        """A token for a form of the page that answers `request`; empty where the scheme has none."""
        return ""

    @abstractmethod
    def openapi(self) -> dict[str, Any]:
        """The Security Scheme Object of OpenAPI 3.1."""

    def _described(self, scheme: dict[str, Any]) -> dict[str, Any]:
        return {**scheme, "description": self.description} if self.description else scheme

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.verifier).__name__ if self.verifier else ''})"


class AuthorizationScheme(SecurityScheme[C]):
    """A scheme whose credentials travel in the ``Authorization`` header (RFC 9110 §11.6.2)."""

    in_authorization = True

    def extract(self, request: RequestHead) -> C | Rejected | None:
        """The credentials after the name of this scheme. The case of the name does not matter (RFC 9110 §11.1)."""
        text = request.authorization_text
        if text is None:
            return None
        name, _, value = text.partition(" ")
        if name == self.auth_type and "," not in value:  # as nearly all clients write it, so nothing else is parsed
            return self.read(value.rstrip(" \t").lstrip(" "))
        authorization = request.authorization
        if authorization is None:
            return None
        if authorization.duplicate:
            return Rejected(Reason.AUTHORIZATION_DUPLICATE)
        if authorization.scheme != self.auth_type.lower():
            return None
        return self.read(authorization.value)

    @abstractmethod
    def read(self, value: str) -> C | Rejected:
        """Parse the text after the name of the scheme."""


_KEPT: Final = frozenset(
    {
        Reason.CROSS_SITE,  # it may be good: if it were cleared, every site could log users out
        Reason.TOKEN_ISSUER,  # it may be good for another application of the host
        Reason.TOKEN_AUDIENCE,
        Reason.TOKEN_NOT_YET_VALID,  # it will be good; the clock of its issuer may be ahead
    }
)


def is_dead(rejected: Rejected) -> bool:
    """Whether a cookie that was refused so is good nowhere and will not be good later, so that it should be cleared."""
    return rejected.reason not in _KEPT


def reads_authorization_only(scheme: SecurityScheme[Any]) -> bool:
    """Whether the credentials of `scheme` depend on nothing but the ``Authorization`` header.

    A subclass that overrides `extract` may look at the rest of the request.
    """
    ours: Any = AuthorizationScheme
    return type(scheme).extract is ours.extract and "extract" not in vars(scheme)


def check_name_first(name: object, scheme: str, example: str) -> None:
    """Check that the first argument of a scheme is the name of its header, parameter or cookie.

    Raises:
        ConfigurationError: it is not a str, for example it is the verifier.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f'{scheme} takes a name first: write {scheme}("{example}", ...)')


class _Combined(Alternatives):
    def __init__(self, parts: tuple[Alternatives, ...]) -> None:
        self.parts = parts

    @property
    def schemes(self) -> tuple[SecurityScheme[Any], ...]:
        """All schemes of the combination, in the order of declaration."""
        return tuple(scheme for part in self.parts for scheme in part.schemes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts))})"


class OneOf(_Combined):
    """One of the parts: the first that finds credentials of its kind decides."""

    @classmethod
    def of(cls, left: Alternatives, right: Alternatives) -> OneOf:
        """``left | right``, flat."""
        return cls(_flat(cls, left) + _flat(cls, right))


class AllOf(_Combined):
    """All of the parts at once. The principal is that of the last part."""

    @classmethod
    def of(cls, left: Alternatives, right: Alternatives) -> AllOf:
        """``left & right``, flat.

        Raises:
            ConfigurationError: two parts would both need the one ``Authorization`` header of a request.
        """
        parts = _flat(cls, left) + _flat(cls, right)
        combined = cls(parts)
        if all(_authorizations(way) > 1 for way in ways(combined)):
            raise ConfigurationError(
                "a request has one Authorization header, so two schemes that read it cannot both be needed: "
                "move one to a header of its own (APIKeyHeader), or combine them with |"
            )
        return combined


Way = tuple[SecurityScheme[Any], ...]
"""Schemes that are all needed together. The principal is that of the last one."""


def ways(accept: Alternatives) -> tuple[Way, ...]:
    """Every way to authenticate, in the order of declaration.

    Raises:
        ConfigurationError: `accept` has a part that is neither a scheme nor a combination of schemes.

    >>> from authmw import APIKeyHeader, HTTPBasic, HTTPBearer
    >>> [len(way) for way in ways(APIKeyHeader("X-Site") & (HTTPBearer() | HTTPBasic()) | HTTPBasic())]
    [2, 2, 1]
    """
    if isinstance(accept, OneOf):
        return tuple(way for part in accept.parts for way in ways(part))
    if isinstance(accept, AllOf):
        return tuple(sum(parts, ()) for parts in product(*map(ways, accept.parts)))
    if isinstance(accept, SecurityScheme):
        return (cast("Way", (accept,)),)
    raise ConfigurationError(
        f"{type(accept).__name__} is neither a scheme nor a combination of schemes: combine schemes by | and &"
    )


def _authorizations(way: Way) -> int:
    """The number of different schemes that read the ``Authorization`` header."""
    return len({id(scheme) for scheme in way if scheme.in_authorization})


def _flat(kind: type[_Combined], node: object) -> tuple[Alternatives, ...]:
    if not isinstance(node, Alternatives):
        raise ConfigurationError(
            f"{node!r} is no security scheme: combine schemes, as HTTPBearer(...) | HTTPBasic(...)"
        )
    return node.parts if isinstance(node, kind) else (node,)

"""What every security scheme is: it extracts, describes itself for OpenAPI, and writes its challenge."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from authmw.errors import ConfigurationError
from authmw.flow.flow import Flow
from authmw.http.challenge import Challenge
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.verdict import Rejected, Verdict

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)


class Verifier(Protocol[C_contra]):
    """Turns credentials into a verdict, as a plain function or as a flow when it has to ask a store.

    One whose verdicts may be remembered also has a ``version``, which changes whenever what was proved before may
    not hold any longer, as when a key is retired. One whose ``scheme`` is empty is told the name of the first scheme
    it is given to: a principal that names its scheme need not be copied.
    """

    def verify(self, credentials: C_contra, request: RequestHead, /) -> Verdict | Flow[Verdict | None] | None:
        """Whether the credentials hold; None when they are of another kind, so that the next alternative is asked."""
        ...


class Alternatives(ABC):
    """Something requests are authenticated by: a scheme, or several combined by ``|`` (one of) and ``&`` (all of)."""

    def __or__(self, other: Alternatives) -> Alternatives:
        from authmw.schemes.combined import OneOf

        return OneOf.of(self, other)

    def __and__(self, other: Alternatives) -> Alternatives:
        from authmw.schemes.combined import AllOf

        return AllOf.of(self, other)

    @property
    @abstractmethod
    def schemes(self) -> tuple[SecurityScheme[Any], ...]:
        """Every scheme in it, in the order of declaration."""


class SecurityScheme(Alternatives, Generic[C]):
    """How a credential travels, in OpenAPI's sense, paired with what verifies it.

    Args:
        verifier: verifies what `extract` found. Without one the scheme extracts, and authenticates nobody.
        name: the key under ``components.securitySchemes``; the class's name by default.
        description: for the OpenAPI document (CommonMark).
    """

    in_authorization: ClassVar[bool] = False
    """Whether the credential travels in the ``Authorization`` header."""

    vary: str = "Authorization"
    """The request header that answers depend on; several with a comma and a space between them."""

    auth_type: ClassVar[str] = "ApiKey"
    """The scheme's name in a challenge, and the ``AUTH_TYPE`` of WSGI."""

    extracts: ClassVar[type | None] = None
    """The type of its credentials; None leaves it to the verifier."""

    def __init__(
        self, verifier: Verifier[C] | Callable[..., Any] | None = None, *, name: str = "", description: str = ""
    ) -> None:
        self.verifier: Verifier[C] | None = as_verifier(verifier)
        self.name: str = name or type(self).__name__
        self.description = description
        named: Any = self.verifier
        self._check_fit(getattr(named, "accepts", None))
        if getattr(named, "scheme", None) == "":
            named.scheme = self.name

    def _check_fit(self, accepts: tuple[type, ...] | None) -> None:
        """Refuse a verifier of other credentials, where both say what theirs are."""
        if accepts is None or self.extracts is None or issubclass(self.extracts, accepts):
            return
        raise ConfigurationError(
            f"{type(self).__name__} extracts {self.extracts.__name__}, and {type(self.verifier).__name__} verifies "
            f"{' or '.join(each.__name__ for each in accepts)}: pair each scheme with a verifier for its credentials, "
            "as HTTPBasic(PasswordVerifier(...)), HTTPBearer(JWTVerifier(...)) or "
            "APIKeyHeader(name, ApiKeyVerifier(...))"
        )

    def bind(self, realm: str) -> None:
        """Learn the realm of the `Auth` this scheme became part of. Most schemes need not know."""

    @property
    def schemes(self) -> tuple[SecurityScheme[Any], ...]:
        """Itself."""
        return (self,)

    @abstractmethod
    def extract(self, request: RequestHead) -> C | Rejected | None:
        """The credentials; None when none of this scheme were presented; `Rejected` when they do not parse."""

    @abstractmethod
    def challenge(self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()) -> Challenge:
        """What the client has to send.

        Args:
            realm: the protection space.
            rejected: why this scheme's credentials were refused; None when none of it were presented.
            scopes: all scopes that the operation needs, where they are known.
        """

    def challenges(
        self, realm: str, *, rejected: Rejected | None = None, scopes: tuple[str, ...] = ()
    ) -> tuple[Challenge, ...]:
        """All challenges of this scheme, in order of preference: one, but for Digest's algorithms."""
        return (self.challenge(realm, rejected=rejected, scopes=scopes),)

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
        """The credentials that follow this scheme's name, which is read in any case."""
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
        """Parse what follows the scheme's name."""


def as_verifier(verifier: Verifier[C] | Callable[..., Any] | None) -> Verifier[C] | None:
    """A verifier from what a user passed: one already, or a plain function from the credential to its principal."""
    if isinstance(verifier, type):
        name = verifier.__name__
        if hasattr(verifier, "verify"):
            raise ConfigurationError(f"pass {name}(...), not {name}: a scheme needs an instance")
        raise ConfigurationError(
            f"{name} is a class: pass a verifier, or a function from the credential to a Principal"
        )
    if verifier is None or hasattr(verifier, "verify"):
        return cast("Verifier[C] | None", verifier)
    if not callable(verifier):
        raise ConfigurationError(
            f"{type(verifier).__name__} is no verifier: pass an object with .verify, or a function"
        )
    from authmw.verifiers.lookup import LookupVerifier

    return cast("Verifier[C]", LookupVerifier(verifier))


def check_name_first(name: object, scheme: str, example: str) -> None:
    """Refuse a scheme whose first argument is not the name of where its credential is.

    Raises:
        ConfigurationError: it is something else, as the verifier.
    """
    if not isinstance(name, str):
        raise ConfigurationError(f'{scheme} takes a name first: write {scheme}("{example}", ...)')

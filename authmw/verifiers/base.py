"""Protocol of verifiers: credentials in, verdict out, as a plain function or as a flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar, cast

from authmw.errors import ConfigurationError, NoDependency
from authmw.flow.application_code import takes
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.requirement import predicate_name
from authmw.identity.verdict import Verdict
from authmw.verifiers.lookup import LookupVerifier

if TYPE_CHECKING:
    from authmw.stores.ports import Answer

C = TypeVar("C")


C_contra = TypeVar("C_contra", contravariant=True)


Lookup: TypeAlias = "Callable[[str], Answer[Principal | None]]"
"""A function that is a verifier: from the token, the key or the trusted name to a principal, or None to refuse."""

PasswordLookup: TypeAlias = "Callable[[str, str], Answer[Principal | None]]"
"""A function that is a verifier of Basic credentials: from the user name and the password to a principal, or None."""


class Verifier(Protocol[C_contra]):
    """Turns credentials into a verdict, as a plain function, or as a flow if it has to ask a store.

    A verifier whose verdicts may be remembered says so in its class: ``ignores_request = True`` (see
    `says_it_ignores_the_request`), and it has a ``version`` that changes whenever an earlier verdict may no longer be
    true, as when a key is retired. If a verifier has an empty ``scheme``, the first scheme that takes it sets
    this attribute to its own name: so the principals that it makes name their scheme from the start and need no copy.
    """

    def verify(self, credentials: C_contra, request: RequestHead, /) -> Verdict | Flow[Verdict | None] | None:
        """The verdict on the credentials; None if they are of another kind: then the next alternative is asked."""
        ...


def says_it_ignores_the_request(verifier: object) -> bool:
    """Whether the class of `verifier` itself says that its verdicts depend on nothing but the credentials.

    Only such verdicts are true for another request. A base class cannot say it for a subclass, which may override a
    method and look at the request there; nor does it hold for an object on which a method was replaced.
    """
    kind = type(verifier)
    return (
        "ignores_request" in vars(kind)
        and getattr(verifier, "ignores_request", False) is True
        and not any(callable(getattr(kind, name, None)) for name in getattr(verifier, "__dict__", ()))
    )


_FUNCTION: Final = ("lambda credential: ...", "lambda username, password: ...")
_CALLED_WITH: Final = ("one argument, the credential", "two arguments, the user name and the password")

# What is taken for a verifier, by an attribute that it has, and the line to write.
_INSTEAD: Final = (
    ("accept", "HTTPBearer(JWTVerifier(...)), and put that into the Auth, as Auth(HTTPBearer(...))"),
    ("extract", "Auth(HTTPBearer(...) | HTTPBasic(...)), one scheme beside the other"),
    ("verifier", "HTTPBearer(service.verifier())"),
    ("signer", 'HTTPBearer(JWTVerifier(keys, issuer="https://...", audience="..."))'),
    ("find", "HTTPBasic(PasswordVerifier(users))"),
    ("find_token", "HTTPBearer(TokenVerifier(tokens))"),
    ("find_key", 'APIKeyHeader("X-API-Key", ApiKeyVerifier(keys))'),
    ("users", "HTTPBasic(PasswordVerifier(stores.users))"),
)


def _instead_of(given: object, scheme: str, arguments: int | None) -> str:
    """What to write for what is neither a verifier nor a function."""
    if isinstance(given, Mapping):
        return "write HTTPBasic(PasswordVerifier(users))" if arguments == 2 else "pass its method .get, as tokens.get"
    instead = next((line for name, line in _INSTEAD if hasattr(given, name)), "")
    if instead and not isinstance(given, str | bytes):  # a text has .find too, and is no store of users
        return f"write {instead}"
    return f"pass an object with .verify, or a function, as {scheme}({_FUNCTION[arguments == 2]})"


def as_verifier(
    verifier: Verifier[C] | Callable[..., Any] | None, scheme: str = "HTTPBearer", arguments: int | None = None
) -> Verifier[C] | None:
    """A verifier from the argument of a scheme: a verifier, or a plain function from a credential to a principal.

    Args:
        verifier: the argument.
        scheme: the name of the class of the scheme, for messages.
        arguments: the number of arguments with which the scheme calls a function; None if it is not known.

    Raises:
        ConfigurationError: it is neither, or a function or method that does not take so many arguments.
    """
    if isinstance(verifier, type):
        name = verifier.__name__
        if hasattr(verifier, "verify"):
            raise ConfigurationError(f"pass {name}(...), not {name}: a scheme needs an instance")
        raise ConfigurationError(
            f"{name} is a class: pass a verifier, or a function from the credential to a Principal"
        )
    if verifier is None or hasattr(verifier, "verify"):
        if not takes(getattr(verifier, "verify", None), 2):
            raise ConfigurationError(
                f"{type(verifier).__name__}.verify is called with two arguments, the credential and the request: "
                "write def verify(self, credentials, request)"
            )
        return cast("Verifier[C] | None", verifier)
    given: object = verifier
    if isinstance(given, NoDependency) or not callable(given):
        raise ConfigurationError(f"{type(given).__name__} is no verifier: {_instead_of(given, scheme, arguments)}")
    function: Any = given
    if arguments is not None and not takes(function, arguments):
        raise ConfigurationError(
            f"{predicate_name(function)} is called with {_CALLED_WITH[arguments == 2]}: "
            f"write {scheme}({_FUNCTION[arguments == 2]})"
        )
    return cast("Verifier[C]", LookupVerifier(function))

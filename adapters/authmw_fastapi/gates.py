"""Dependencies that enforce a requirement: they return the principal, or refuse."""

# Annotations are evaluated at once: FastAPI before 0.120 or so cannot resolve those of an instance that is called.

from inspect import Parameter, Signature
from typing import Any, Final, NoReturn

from authmw_starlette.dependencies import Asked, Gate
from authmw_starlette.refusing import refuse
from authmw_starlette.routes import asked_of_matched, needed
from fastapi import Depends
from fastapi.params import Depends as Dependency
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from authmw.engine import audit
from authmw.engine.auth import Auth
from authmw.engine.context import Call
from authmw.errors import ConfigurationError
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.identity.principal import Principal
from authmw.identity.requirement import OPTIONAL, Requirement
from authmw.openapi import security_schemes
from authmw_fastapi.callers import call_by, caller, caller_by
from authmw_fastapi.openapi import document_at_sight

_PRINCIPAL: Final = "principal"


class RequirementGate(Gate):
    """Enforces a requirement on the principal that the middleware authenticated.

    As for `AuthGate`, all scopes that were declared on the way to it are required.

    Args:
        requirement: scopes, authentication without scopes, or optional authentication. No predicates.
    """

    def __init__(self, requirement: Requirement) -> None:
        self._requirement = requirement
        self.__signature__: Signature = _signature(Depends(caller), security_scopes=SecurityScopes)

    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """The requirement, and the scopes that dependencies in between declare: those may not enforce them."""
        return Asked(None, self._requirement & Requirement.all_of(*scopes) if scopes else self._requirement)

    async def __call__(
        self, connection: HTTPConnection, principal: Principal, security_scopes: SecurityScopes
    ) -> Principal:
        """The principal, if it meets the requirement."""
        _enforce(connection, None, self.asked(tuple(security_scopes.scopes)).requirement, principal)
        return principal


class PrincipalOrNoneGate(Gate):
    """Requires nothing, and returns the caller or None. All of them are equal: FastAPI calls one of them."""

    def __init__(self) -> None:
        self._gate = RequirementGate(OPTIONAL)
        self.__signature__: Signature = self._gate.__signature__

    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """As that of its gate."""
        return self._gate.asked(scopes)

    async def __call__(
        self, connection: HTTPConnection, principal: Principal, security_scopes: SecurityScopes
    ) -> Principal | None:
        """The caller; None for the anonymous principal."""
        found = await self._gate(connection, principal, security_scopes)
        return found if found.is_authenticated else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrincipalOrNoneGate)

    def __hash__(self) -> int:
        return hash(PrincipalOrNoneGate)


class ScopesDependency(Dependency, Gate):
    """What `Scopes` returns: a declaration for FastAPI, and also the dependency itself, for ``Depends(Scopes(...))``.

    Args:
        requirement: the scopes.
    """

    def __init__(self, requirement: Requirement) -> None:
        gate = RequirementGate(requirement)
        super().__init__(gate)
        object.__setattr__(self, "_gate", gate)  # newer releases make FastAPI's class a frozen one
        object.__setattr__(self, "__signature__", gate.__signature__)

    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """As that of its gate."""
        return self._gate.asked(scopes)

    async def __call__(
        self, connection: HTTPConnection, principal: Principal, security_scopes: SecurityScopes
    ) -> Principal:
        """The principal, if it has the scopes."""
        return await self._gate(connection, principal, security_scopes)

    _gate: RequirementGate


class AuthGate(Gate):
    """Requires a principal that `auth` authenticates, with all scopes that were declared on the way to it.

    Two gates of the same `auth` are equal, so FastAPI takes them for one dependency.

    Args:
        auth: verifies credentials.
    """

    def __init__(self, auth: Auth) -> None:
        self.auth = auth
        described = security_schemes(auth)
        natively = {f"scheme_{index}": Depends(NativeScheme(*each)) for index, each in enumerate(described.items())}
        self.__signature__: Signature = _signature(Depends(caller_by(auth)), security_scopes=SecurityScopes, **natively)

    def asked(self, scopes: tuple[str, ...]) -> Asked:
        """The scopes, to be checked by its own `auth`."""
        return Asked(self.auth, Requirement.all_of(*scopes))

    async def __call__(
        self, connection: HTTPConnection, principal: Principal, security_scopes: SecurityScopes, **_: object
    ) -> Principal:
        """The principal, if it meets the requirement."""
        document_at_sight(connection)
        _enforce(connection, self.auth, Requirement.all_of(*security_scopes.scopes), principal)
        return principal

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AuthGate) and other.auth is self.auth

    def __hash__(self) -> int:
        return hash(self.auth)


class NativeScheme(SecurityBase):
    """A security scheme of authmw, for the document that FastAPI makes. It does nothing else.

    Args:
        name: of the scheme.
        described: its Security Scheme Object.
    """

    def __init__(self, name: str, described: dict[str, Any]) -> None:
        self.scheme_name = name
        self.model: Any = described

    async def __call__(self) -> None:
        """Do nothing: the gate that depends on this enforces."""


def _signature(principal: Any, **others: Any) -> Signature:
    """The parameters that FastAPI gives a gate: the connection, the principal by that dependency, and `others`."""
    by_type = {"connection": HTTPConnection, _PRINCIPAL: Principal}
    by_default = {_PRINCIPAL: principal}
    for name, each in others.items():
        (by_type if isinstance(each, type) else by_default)[name] = each
    return Signature(
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=by_default.get(name, Parameter.empty),
                annotation=by_type.get(name, Parameter.empty),
            )
            for name in dict.fromkeys((*by_type, *by_default))
        ]
    )


def _enforce(connection: HTTPConnection, auth: Auth | None, requirement: Requirement, principal: Principal) -> None:
    call = call_by(connection, auth)
    if not requirement.is_open and (not principal.is_authenticated or requirement.missing(principal.scopes)):
        # The refusal names all that the operation requires, not only what this gate requires.
        whole = _scopes_of_operation(connection, call.auth if call else auth) & requirement
        _refuse(connection, call, whole, principal)
    if call is not None:
        audit.allowed(principal, call.request)


def nothing_authenticates() -> ConfigurationError:
    """The mistake of a dependency for the caller where no `Auth` has seen the request."""
    return ConfigurationError(
        "nothing authenticates this request: FastAPIAuth(app, auth) first, or ask by Security(auth)"
    )


def _scopes_of_operation(connection: HTTPConnection, auth: Auth | None) -> Requirement:
    whole = needed(asked_of_matched(connection.scope), auth) or Requirement()
    return Requirement(scopes=whole.scopes, alternatives=whole.alternatives)


def _refuse(connection: HTTPConnection, call: Call | None, requirement: Requirement, principal: Principal) -> NoReturn:
    if call is None:
        if not principal.is_authenticated:
            raise nothing_authenticates()
        # A test has replaced the caller.
        raise refuse(connection, Refusal(Reason.SCOPE_MISSING, scopes=requirement.all_scopes))
    decision = call.auth.decide(call.authentication, requirement, call.request, principal=principal)
    refusal = decision if isinstance(decision, Refusal) else Refusal(Reason.FORBIDDEN)
    raise refuse(connection, refusal, call)

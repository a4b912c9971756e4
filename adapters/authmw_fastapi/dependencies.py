"""Dependencies that declare what an endpoint needs. They are enforced, and documented in OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import fastapi
from fastapi import Depends

from authmw.engine.auth import Auth
from authmw.errors import ConfigurationError
from authmw.identity.principal import Principal
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, AnyOf, Requirement
from authmw.identity.scopes import checked_scopes
from authmw_fastapi.callers import asks_for_nothing
from authmw_fastapi.gates import AuthGate, PrincipalOrNoneGate, RequirementGate, ScopesDependency

CurrentPrincipal = Annotated[Principal, Depends(RequirementGate(AUTHENTICATED))]
"""The caller, who has to be authenticated: ``async def me(principal: CurrentPrincipal)``."""

OptionalPrincipal = Annotated[Principal, Depends(RequirementGate(OPTIONAL))]
"""The caller, or the anonymous principal if there are no credentials. Bad credentials are refused.

As a parameter of an endpoint without other declarations it opens the endpoint, also under default deny. As a parameter
of another dependency it does not.
"""

PrincipalOrNone = Annotated[Principal | None, Depends(PrincipalOrNoneGate())]
"""The caller, or None if there are no credentials: `OptionalPrincipal` for code that asks for None."""


def Scopes(*scopes: str | AnyOf) -> ScopesDependency:  # noqa: N802 - as FastAPI's Depends and Security
    """A dependency that requires all of `scopes`; `any_of` stands for one of several.

    As ``Annotated[Principal, Scopes("items:read")]`` it also provides the principal; as ``dependencies=[Scopes(...)]``
    it is for a route, a router or an application. An endpoint requires all of those on the way to it. It may stand
    inside of ``Depends(...)`` too.

    Raises:
        ConfigurationError: no scope, or one that RFC 6749 §3.3 does not allow.

    >>> from fastapi import APIRouter
    >>> router = APIRouter(prefix="/items", dependencies=[Scopes("items:read")])
    """
    if not scopes:
        raise ConfigurationError("Scopes() needs a scope; for anyone who is authenticated, use CurrentPrincipal")
    return ScopesDependency(Requirement.all_of(*scopes))


def Security(  # noqa: N802 - as FastAPI's
    dependency: Auth | Callable[..., Any] | None = None,
    *,
    scopes: Sequence[str] | None = None,
    use_cache: bool = True,
) -> Any:
    """The same as `fastapi.Security`; with an `Auth` it also verifies, and provides the principal.

    The principal has all scopes that are required on the way to the endpoint.

    Below an `AuthMiddleware` with the same `Auth`, its result is used. Otherwise the request is authenticated here, by
    its head. By then FastAPI has read the body, and a `Response` that the endpoint makes itself has neither ``Vary``
    nor ``Authentication-Info``. Before FastAPI 0.118, streams and background tasks see no caller. Put the middleware in
    front if that matters.

    Args:
        dependency: an `Auth`, which verifies credentials; anything else is passed to FastAPI.
        scopes: all of these are required, and all that are declared by dependencies above this one.
        use_cache: whether it is called only once in a request.

    Raises:
        ConfigurationError: a scope that RFC 6749 §3.3 does not allow, or scopes for `caller`, which checks none.

    >>> from authmw import Auth, HTTPBearer
    >>> auth = Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None))
    >>> async def me(principal: Annotated[Principal, Security(auth, scopes=["me"])]) -> str:
    ...     return principal.id
    """
    if isinstance(dependency, Auth):
        return fastapi.Security(AuthGate(dependency), scopes=checked_scopes(scopes or ()), use_cache=use_cache)
    if scopes and asks_for_nothing(dependency):
        raise ConfigurationError(
            f"a caller asks for nothing, so scopes={scopes!r} would not be checked: "
            "write Scopes(...), or Security(auth, scopes=...)"
        )
    return fastapi.Security(dependency, scopes=scopes, use_cache=use_cache)

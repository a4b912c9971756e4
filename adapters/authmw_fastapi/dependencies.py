"""What an endpoint needs, said as FastAPI says things: by dependencies. Each is enforced, and documents itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import fastapi
from fastapi import Depends
from fastapi.params import Depends as Dependency

from authmw.engine.auth import Auth
from authmw.errors import ConfigurationError
from authmw.identity.principal import Principal
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, AnyOf, Requirement
from authmw.identity.scopes import checked_scopes
from authmw_fastapi.callers import asks_for_nothing
from authmw_fastapi.gates import AuthGate, RequirementGate

CurrentPrincipal = Annotated[Principal, Depends(RequirementGate(AUTHENTICATED))]
"""Who is calling: ``async def me(principal: CurrentPrincipal)``. Anyone may, as long as they are authenticated."""

OptionalPrincipal = Annotated[Principal, Depends(RequirementGate(OPTIONAL))]
"""Who is calling, if anybody says so; otherwise the principal is anonymous. Bad credentials are refused.

It opens an endpoint that nothing else is declared for, also under default deny, by being a parameter of the endpoint.
What another dependency does with it says nothing about the endpoint.
"""


def Scopes(*scopes: str | AnyOf) -> Dependency:  # noqa: N802 - as FastAPI's Depends and Security
    """All of `scopes` are needed; `any_of` stands for one of several.

    As ``Annotated[Principal, Scopes("items:read")]`` it is the principal, too; as ``dependencies=[Scopes(...)]`` it
    holds for a route, a router or an application. All that are on the way to an endpoint are needed.

    Raises:
        ConfigurationError: no scope, or one that RFC 6749 §3.3 does not allow.

    >>> from fastapi import APIRouter
    >>> router = APIRouter(prefix="/items", dependencies=[Scopes("items:read")])
    """
    if not scopes:
        raise ConfigurationError("Scopes() needs a scope; for anyone who is authenticated, use CurrentPrincipal")
    dependency: Dependency = Depends(RequirementGate(Requirement.all_of(*scopes)))
    return dependency


def Security(  # noqa: N802 - as FastAPI's
    dependency: Auth | Callable[..., Any] | None = None,
    *,
    scopes: Sequence[str] | None = None,
    use_cache: bool = True,
) -> Any:
    """As `fastapi.Security`, and with an `Auth` it verifies: the principal, who has all scopes on the way down to it.

    Below an `AuthMiddleware` with the same `Auth`, what that found is used. Otherwise the request is authenticated
    here, from its head. FastAPI has read the body by then, and what an endpoint returns as a `Response` of its own has
    neither ``Vary`` nor ``Authentication-Info``. Before FastAPI 0.118, streams and background tasks find nobody. Put
    the middleware in front where that matters.

    Args:
        dependency: who may be trusted; anything else is FastAPI's to deal with.
        scopes: all of these are needed, and all that are declared by dependencies above this one.
        use_cache: whether it is asked once in a request.

    Raises:
        ConfigurationError: a scope that RFC 6749 §3.3 does not allow, or scopes of `caller`, which would check none.

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

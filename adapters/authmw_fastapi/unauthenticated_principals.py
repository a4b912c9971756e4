"""Check for unauthenticated principals: FastAPI makes an object of any class from what a client sends."""

from __future__ import annotations

from authmw_starlette.dependencies import dependencies_of
from authmw_starlette.walk import entries

from authmw.engine.routes.route import place_of
from authmw.identity.principal import Principal


def unauthenticated_principals(app: object) -> tuple[str, ...]:
    """A sentence for each endpoint below `app` that has ``Annotated[Principal, Depends()]`` on the way to it."""
    found: dict[str, None] = {}
    for entry in entries(app):
        if any(isinstance(call, type) and issubclass(call, Principal) for call in dependencies_of(entry.route)):
            found[f"{entry.route.name} ({place_of(entry.route.endpoint)})"] = None
    return tuple(
        f"{endpoint} takes any principal that a client makes up: write principal: CurrentPrincipal, without Depends()"
        for endpoint in found
    )

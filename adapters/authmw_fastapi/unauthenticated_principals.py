"""Check for dependencies that authenticate nobody: FastAPI makes an object of any class from what a client sends."""

from __future__ import annotations

from typing import Annotated, get_origin

from authmw_starlette.dependencies import dependencies_of
from authmw_starlette.walk import entries

from authmw.engine.decorators import declared_by_decorator
from authmw.engine.routes.route import place_of
from authmw.identity.principal import Principal


def unauthenticated_principals(app: object) -> tuple[str, ...]:
    """A sentence for each endpoint below `app` that has ``Annotated[Principal, Depends()]`` on the way to it.

    So for ``Depends(CurrentPrincipal)`` and ``Depends(authenticated)``, which FastAPI calls with what a client sends.
    """
    found: dict[str, None] = {}
    for entry in entries(app):
        for call in dependencies_of(entry.route):
            mistake = _mistake_in(call)
            if mistake:
                found[f"{entry.route.name} ({place_of(entry.route.endpoint)}) {mistake}"] = None
    return tuple(found)


def _mistake_in(call: object) -> str:
    if declared_by_decorator(call) is not None:
        return "depends on a decorator: write @authenticated below @app.get, or dependencies=[Scopes(...)]"
    if get_origin(call) is Annotated:
        return "has Depends(...) around a dependency: write caller: CurrentPrincipal, without Depends()"
    if isinstance(call, type) and issubclass(call, Principal):
        return "takes any principal that a client makes up: write principal: CurrentPrincipal, without Depends()"
    return ""

"""authmw for FastAPI: guards applications, and documents in OpenAPI what is enforced.

``FastAPIAuth(app, auth, public=["/health"])`` guards an application; no other call is needed. Endpoints declare what
they need by decorators or by dependencies, and get their caller as an argument::

    @app.get("/items")
    async def items(principal: Annotated[Principal, Scopes("items:read")]) -> list[str]: ...

`authmw_fastapi.security` has the names of `fastapi.security`, for programs that verify credentials themselves.
"""

from typing import TYPE_CHECKING

try:
    import fastapi as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_fastapi needs FastAPI: pip install "authmw[fastapi]"') from _error


from authmw import (
    any_of,
    authenticated,
    current_principal,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.errors import face
from authmw_fastapi.callers import caller, caller_by
from authmw_fastapi.dependencies import CurrentPrincipal, OptionalPrincipal, PrincipalOrNone, Scopes, Security
from authmw_fastapi.extension import FastAPIAuth
from authmw_fastapi.middleware import AuthMiddleware
from authmw_fastapi.openapi import openapi_document
from authmw_fastapi.resource_metadata import add_resource_metadata
from authmw_fastapi.users import CurrentUser, OptionalUser

if TYPE_CHECKING:
    from authmw_fastapi.local import LocalAuth

__all__ = [
    "AuthMiddleware",
    "CurrentPrincipal",
    "CurrentUser",
    "FastAPIAuth",
    "LocalAuth",
    "OptionalPrincipal",
    "OptionalUser",
    "PrincipalOrNone",
    "Scopes",
    "Security",
    "add_resource_metadata",
    "any_of",
    "authenticated",
    "caller",
    "caller_by",
    "current_principal",
    "openapi_document",
    "optionally_authenticated",
    "public",
    "requires",
    "requires_scopes",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, {"local": "LocalAuth"})

"""authmw for Starlette, FastAPI and other frameworks with Starlette's routing.

``app.add_middleware(AuthMiddleware, auth=auth, public=["/health"])`` guards mounts, raw routes, docs and websockets
too. Endpoints have Starlette's ``request.user`` and ``request.auth``, and declare what they need::

    @requires_scopes("orders:read")
    async def orders(request: Request) -> JSONResponse: ...
"""

from typing import TYPE_CHECKING

try:
    import starlette as _  # noqa: F401 - only to see whether it is installed
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError('authmw_starlette needs Starlette: pip install "authmw[starlette]"') from _error

from authmw import (
    any_of,
    authenticated,
    current_principal,
    current_user,
    current_user_async,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.errors import face
from authmw_starlette.docs import docs_routes
from authmw_starlette.middleware import AuthMiddleware
from authmw_starlette.openapi import openapi_document
from authmw_starlette.resource_metadata import resource_metadata_route
from authmw_starlette.templates import template_context
from authmw_starlette.tokens import metadata_route, token_routes

if TYPE_CHECKING:
    from authmw_starlette.local import LocalAuth
    from authmw_starlette.login import login_routes

__all__ = [
    "AuthMiddleware",
    "LocalAuth",
    "any_of",
    "authenticated",
    "current_principal",
    "current_user",
    "current_user_async",
    "docs_routes",
    "login_routes",
    "metadata_route",
    "openapi_document",
    "optionally_authenticated",
    "public",
    "requires",
    "requires_scopes",
    "resource_metadata_route",
    "template_context",
    "token_routes",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, {"local": "LocalAuth", "login": "login_routes"})

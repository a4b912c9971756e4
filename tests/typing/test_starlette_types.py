"""Decorated endpoints keep their types, and the middleware fits where Starlette and FastAPI type it.

The type checkers run over this file too: a wrong ``assert_type`` fails ``make check``.
"""

from __future__ import annotations

import inspect
from typing import assert_type

from authmw_starlette import AuthMiddleware, authenticated, current_principal, public, requires_scopes
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from authmw import Auth, HTTPBearer, Principal
from authmw.asgi import middleware as asgi


@requires_scopes("orders:read")
async def asynchronous(request: Request, *, page: int = 1) -> JSONResponse:
    return JSONResponse(page)


@authenticated
def synchronous(request: Request) -> JSONResponse:
    return JSONResponse(None)


@public
async def health(request: Request) -> JSONResponse:
    return JSONResponse("fine")


@requires_scopes("orders:read")
class Orders(HTTPEndpoint):
    def get(self, request: Request) -> JSONResponse:
        return JSONResponse(None)


async def types(request: Request) -> None:
    """Read by the type checkers only."""
    assert_type(await asynchronous(request, page=2), JSONResponse)
    assert_type(synchronous(request), JSONResponse)
    assert_type(await health(request), JSONResponse)
    assert_type(Orders, type[Orders])
    assert_type(current_principal(), Principal)


def test_a_decorated_endpoint_keeps_its_signature() -> None:
    assert str(inspect.signature(asynchronous)) == "(request: 'Request', *, page: 'int' = 1) -> 'JSONResponse'"
    assert inspect.iscoroutinefunction(asynchronous)
    assert not inspect.iscoroutinefunction(synchronous)


def test_the_middleware_fits_wherever_an_application_does() -> None:
    auth = Auth(HTTPBearer())
    app: ASGIApp = AuthMiddleware(Starlette(), auth)
    wrapped: ASGIApp = asgi.AuthMiddleware(FastAPI(), auth)
    middleware = [Middleware(AuthMiddleware, auth=auth, default="deny", public=["/health"])]
    routes = [Mount("/a", app=app), Mount("/b", app=wrapped), Route("/c", asynchronous), Route("/d", Orders)]
    added = FastAPI(middleware=middleware, routes=[*routes])
    added.add_middleware(AuthMiddleware, auth=auth, public=["/health"])
    assert len(added.user_middleware) == 2

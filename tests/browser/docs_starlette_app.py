"""The API in Starlette. The document is at the root of the application."""

from __future__ import annotations

from authmw_starlette import (
    AuthMiddleware,
    current_principal,
    docs_routes,
    public,
    requires_scopes,
    token_routes,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from authmw.openapi import DocsPage
from tests.browser.docs_api import AUTH, DOCUMENT, ELSEWHERE, SERVICE


@public
async def openapi(_: Request) -> JSONResponse:
    return JSONResponse(DOCUMENT)


@public
async def hidden(request: Request) -> JSONResponse:
    return JSONResponse({}, request.path_params["status"])


@requires_scopes("orders:read")
async def orders(_: Request) -> JSONResponse:
    return JSONResponse({"hello": current_principal().id})


@requires_scopes("orders:write")
async def order(_: Request) -> JSONResponse:
    return JSONResponse({"hello": current_principal().id})


application = Starlette(
    routes=[
        Route("/orders", orders),
        Route("/orders", order, methods=["POST"]),
        Route("/openapi.json", openapi),
        Route("/answer/{status:int}", hidden),
        *docs_routes(DocsPage(connect=[ELSEWHERE]), public=True),
        *docs_routes(DocsPage(connect=[ELSEWHERE], client_id="docs", scopes=["orders:read"]), "/client", public=True),
        *docs_routes(DocsPage(), "/guarded"),
        *docs_routes(DocsPage("answer/401"), "/hidden", public=True),
        *docs_routes(DocsPage("answer/503"), "/busy", public=True),
        Mount("/auth", routes=token_routes(SERVICE)),
    ],
    middleware=[Middleware(AuthMiddleware, auth=AUTH)],
)

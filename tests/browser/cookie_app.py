"""A page and an API behind cookies, for a browser to log in to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from authmw_starlette import AuthMiddleware, current_principal, public, token_routes
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from authmw import Auth, HTTPBearer, KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.oauth2.cookie_mode import CookieMode
from authmw.oauth2.cookies import token_cookie
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.stores import MemoryStores

HASHER = PasswordHasher(CHEAPEST)
STORES = MemoryStores(hasher=HASHER)
STORES.users.create("alice", "correct horse", id="user-1", scopes=["orders:read"])
SERVICE = TokenService(
    issuer="http://localhost:1/auth",  # the port is not known yet, and the browser tells where it comes from
    audience="orders",
    stores=STORES,
    keys=KeyRing.generate(),
    cookies=CookieMode(["http://localhost:1"]),
    runtime=Runtime(hasher=HASHER, revocation_bound=0.2),
)


@public
async def page(_: Request) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>shop</title>")


async def orders(_: Request) -> PlainTextResponse:
    return PlainTextResponse(current_principal().id)


async def events(_: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "retry: 50\n\n"
        yield f"data: {current_principal().id}\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(parts(), media_type="text/event-stream")


application = Starlette(
    routes=[
        Route("/", page),
        Route("/orders", orders, methods=["GET", "POST"]),
        Route("/events", events),
        Mount("/auth", routes=token_routes(SERVICE)),
    ],
    middleware=[Middleware(AuthMiddleware, auth=Auth(HTTPBearer(SERVICE.verifier()) | token_cookie(SERVICE)))],
)

"""Applications whose guarded part stands beside a part where nobody is ever authenticated."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from authmw_fastapi import Security
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from authmw import AccessRefused, Auth, HTTPBearer, Principal, current_principal, requires_scopes
from authmw.asgi import AuthMiddleware

AUTH: Final = Auth(HTTPBearer({"alice-token": Principal("alice", scopes={"admin"})}.get))


@requires_scopes("admin")
def wipe() -> str:
    return "wiped"


def answer() -> str:
    who = current_principal().id or "nobody"
    try:
        return f"{who} {wipe()}"
    except AccessRefused:
        return f"{who} refused"


async def _received(request: Request) -> int:
    return sum([len(chunk) async for chunk in request.stream()])


_beside_was_asked: Final = asyncio.Event()
"""What a background task waits for: the next request comes while the one before it has not ended."""


async def _stay() -> None:
    await asyncio.wait_for(_beside_was_asked.wait(), 10)
    _beside_was_asked.clear()


async def upload(request: Request) -> PlainTextResponse:
    said = f"{await _received(request)} {current_principal().id}"
    return PlainTextResponse(said, background=BackgroundTask(_stay) if "stay" in request.query_params else None)


async def beside(request: Request) -> PlainTextResponse:
    _beside_was_asked.set()
    return PlainTextResponse(answer())


mounted: Final = Starlette(
    routes=[
        Mount("/api", app=AuthMiddleware(Starlette(routes=[Route("/upload", upload, methods=["POST"])]), AUTH)),
        Route("/beside", beside),
    ]
)

by_dependency: Final = FastAPI()


@by_dependency.post("/api/upload")
async def upload_by_dependency(request: Request, principal: Annotated[Principal, Security(AUTH)]) -> PlainTextResponse:
    return PlainTextResponse(f"{await _received(request)} {principal.id}")


@by_dependency.get("/beside")
async def beside_by_dependency() -> PlainTextResponse:
    return PlainTextResponse(answer())

"""One small service, written for each interface: ``/orders``, ``/mine``, ``/me``, ``/health`` and ``/docs/…``.

The plain applications are one guarded application for each operation, as a plain application says what it needs by
being decorated. Servers import `wsgi` and `asgi` from here by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from authmw import Principal, Requirement, current_principal, requires, requires_scopes
from authmw.asgi import ASGIApp
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.request import Receive, RequestHead, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from authmw.wsgi import WSGIApp
from tests.contract.engine import make_auth

PUBLIC: Final = ("/health", "GET /docs/*")
SCOPES: Final = ("orders:read", "orders:write")
CONTENT_TYPE: Final = "text/plain; charset=utf-8"


def is_alice(principal: Principal, request: RequestHead) -> bool:
    """The predicate of ``/mine``."""
    return principal.id == "alice"


def greeting() -> bytes:
    """What every operation answers."""
    return f"hello {current_principal().id or 'nobody'}".encode()


def _greet_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = greeting()
    start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))])
    return [body]


async def _greet_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    body = greeting()
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def make_wsgi() -> WSGIApp:
    """The service as a WSGI application."""
    auth = make_auth()

    def mine(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return _greet_wsgi(environ, start_response)

    def orders(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return _greet_wsgi(environ, start_response)

    operations: Mapping[str, WSGIApp] = {
        "/orders": WSGIMiddleware(requires_scopes(*SCOPES)(orders), auth, public=PUBLIC),
        "/mine": WSGIMiddleware(requires(is_alice)(mine), auth, public=PUBLIC),
    }
    others = WSGIMiddleware(_greet_wsgi, auth, public=PUBLIC)

    def service(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return operations.get(environ["PATH_INFO"], others)(environ, start_response)

    return service


def make_asgi() -> ASGIApp:
    """The service as an ASGI application."""
    auth = make_auth()

    async def mine(scope: Scope, receive: Receive, send: Send) -> None:
        await _greet_asgi(scope, receive, send)

    async def orders(scope: Scope, receive: Receive, send: Send) -> None:
        await _greet_asgi(scope, receive, send)

    operations: Mapping[str, ASGIApp] = {
        "/orders": ASGIMiddleware(requires_scopes(*SCOPES)(orders), auth, public=PUBLIC),
        "/mine": ASGIMiddleware(requires(is_alice)(mine), auth, public=PUBLIC),
    }
    others = ASGIMiddleware(_greet_asgi, auth, public=PUBLIC)

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await operations.get(scope["path"], others)(scope, receive, send)

    return service


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def requirement_of(request: RequestHead) -> Requirement | None:
    """What an adapter reads from its route table."""
    return {"/orders": Requirement.all_of(*SCOPES)}.get(request.path)


def make_fastapi() -> ASGIApp:
    """The service as a FastAPI application behind the ASGI middleware."""
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI()

    @app.get("/orders")
    @requires_scopes(*SCOPES)
    async def orders() -> PlainTextResponse:
        return PlainTextResponse(greeting())

    @app.get("/mine")
    @requires(is_alice)
    async def mine() -> PlainTextResponse:
        return PlainTextResponse(greeting())

    @app.get("/me")
    @app.get("/health")
    @app.get("/docs/intro")
    def me() -> PlainTextResponse:
        return PlainTextResponse(greeting())

    return ASGIMiddleware(app, make_auth(), public=PUBLIC, requirement_of=requirement_of)


wsgi: Final = make_wsgi()
asgi: Final = make_asgi()

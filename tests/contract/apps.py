"""One small service, written for each interface: ``/orders``, ``/mine``, ``/me``, ``/health`` and ``/docs/…``.

The plain applications are one guarded application for each operation, as a plain application says what it needs by
being decorated. Servers import `wsgi` and `asgi` from here by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from authmw import Auth, Principal, Requirement, current_principal, requires, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.asgi.middleware import ASGIApp
from authmw.engine.adapter import Adapter
from authmw.http.request import Receive, RequestHead, Scope, Send
from authmw.http.response import WSGIApp
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
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


def make_wsgi(auth: Auth | None = None) -> WSGIApp:
    """The service as a WSGI application."""
    auth = auth or make_auth()

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


def make_asgi(auth: Auth | None = None) -> ASGIApp:
    """The service as an ASGI application."""
    auth = auth or make_auth()

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


def make_flask(auth: Auth | None = None) -> WSGIApp:
    """The service as a Flask application."""
    from authmw_flask import FlaskAuth
    from flask import Flask, Response

    app = Flask(__name__, static_folder=None)
    FlaskAuth(app, auth or make_auth(), public=PUBLIC)

    def greet() -> Response:
        return Response(greeting(), content_type=CONTENT_TYPE)

    @requires_scopes(*SCOPES)
    def orders() -> Response:
        return greet()

    @requires(is_alice)
    def mine() -> Response:
        return greet()

    app.add_url_rule("/orders", view_func=orders)
    app.add_url_rule("/mine", view_func=mine)
    for path in ("/me", "/health", "/docs/intro"):
        app.add_url_rule(path, view_func=greet)
    return app


def make_starlette(auth: Auth | None = None) -> ASGIApp:
    """The service as a Starlette application."""
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def greet(request: Request) -> PlainTextResponse:
        return PlainTextResponse(greeting())

    @requires_scopes(*SCOPES)
    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse(greeting())

    @requires(is_alice)
    def mine(request: Request) -> PlainTextResponse:
        return PlainTextResponse(greeting())

    unguarded = [Route(path, greet) for path in ("/me", "/health", "/docs/intro")]
    app = Starlette(routes=[Route("/orders", orders), Route("/mine", mine), *unguarded])
    app.add_middleware(AuthMiddleware, auth=auth or make_auth(), public=PUBLIC)
    return app


def make_fastapi(auth: Auth | None = None) -> ASGIApp:
    """The service as a FastAPI application, its scopes read from its route table."""
    from authmw_starlette import AuthMiddleware
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI(docs_url=None)
    app.add_middleware(AuthMiddleware, auth=auth or make_auth(), public=PUBLIC)
    _add_fastapi_routes(app, PlainTextResponse)
    return app


def make_fastapi_behind_asgi(auth: Auth | None = None) -> ASGIApp:
    """The same application behind the plain middleware, which is told what its route table says."""
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI(docs_url=None)
    _add_fastapi_routes(app, PlainTextResponse)
    return ASGIMiddleware(app, auth or make_auth(), public=PUBLIC, _adapter=_Table())


class _Table(Adapter):
    def requirement_of(self, request: RequestHead) -> Requirement | None:
        return {"/orders": Requirement.all_of(*SCOPES)}.get(request.path)


def _add_fastapi_routes(app: Any, response: Callable[[bytes], Any]) -> None:
    @requires_scopes(*SCOPES)
    async def orders() -> Any:
        return response(greeting())

    @requires(is_alice)
    def mine() -> Any:
        return response(greeting())

    def greet() -> Any:
        return response(greeting())

    app.get("/orders")(orders)
    app.get("/mine")(mine)
    for path in ("/me", "/health", "/docs/intro"):
        app.get(path)(greet)


wsgi: Final = make_wsgi()
asgi: Final = make_asgi()

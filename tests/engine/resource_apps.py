"""An API with a resource of its own behind every interface, at the root of its host and mounted below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from authmw_fastapi.resource_metadata import add_resource_metadata
from authmw_flask import FlaskAuth
from authmw_flask.resource_metadata import resource_metadata_blueprint
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from authmw_starlette.resource_metadata import resource_metadata_route
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse as FastAPIText
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw import Auth, HTTPBasic, HTTPBearer, Principal, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.asgi import Mount as ASGIMount
from authmw.asgi.middleware import ASGIApp
from authmw.engine.protected_resource import ProtectedResource
from authmw.flow import CallMode
from authmw.http.request import Receive, Scope, Send
from authmw.http.response import WSGIApp
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from authmw.wsgi import Mount as WSGIMount
from tests.contract.cases import Case
from tests.contract.clients import environ_of, scope_of

RESOURCE: Final = "https://api.example/mcp"
PATH: Final = "/.well-known/oauth-protected-resource/mcp"
SCOPES: Final = {"orders:read": "See orders", "orders:write": "Change orders"}
TEXT: Final = "text/plain; charset=utf-8"

Answer = tuple[int, list[tuple[str, str]], bytes]
"""The status, the headers in lower case and in order, and the body."""


def make_auth() -> Auth:
    """Reads tokens; users may also log in by a password, of which the metadata says nothing."""

    @CallMode.NONBLOCKING
    def find(token: str) -> Principal | None:
        return {
            "reader": Principal("reader", scopes={"orders:read"}),
            "writer": Principal("writer", scopes={"orders:read", "orders:write"}),
        }.get(token)

    resource = ProtectedResource(RESOURCE, ["https://id.example"], name="Orders")
    return Auth(HTTPBearer(find) | HTTPBasic(), realm="orders", scopes=SCOPES, resource=resource)


# At the root of the host


def make_wsgi() -> WSGIApp:
    @requires_scopes("orders:read", "orders:write")
    def orders(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", TEXT)])
        return [b"orders"]

    return WSGIMiddleware(orders, make_auth())


def make_asgi() -> ASGIApp:
    @requires_scopes("orders:read", "orders:write")
    async def orders(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", TEXT.encode())]})
        await send({"type": "http.response.body", "body": b"orders"})

    return ASGIMiddleware(orders, make_auth())


def make_flask() -> WSGIApp:
    app = Flask(__name__, static_folder=None)
    FlaskAuth(app, make_auth())

    @app.get("/mcp")
    @requires_scopes("orders:read", "orders:write")
    def orders() -> str:
        return "orders"

    return app


def make_starlette(path: str = "/mcp") -> ASGIApp:
    @requires_scopes("orders:read", "orders:write")
    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse("orders")

    app = Starlette(routes=[Route(path, orders)])
    app.add_middleware(StarletteMiddleware, auth=make_auth())
    return app


def make_fastapi() -> ASGIApp:
    app = FastAPI()
    app.add_middleware(StarletteMiddleware, auth=make_auth())

    @app.get("/mcp")
    @requires_scopes("orders:read", "orders:write")
    async def orders() -> FastAPIText:
        return FastAPIText("orders")

    return app


# Mounted below it


def mount_wsgi() -> WSGIApp:
    root = DispatcherMiddleware(_nothing, {"/mcp": make_wsgi()})  # type: ignore[dict-item, unused-ignore]
    return WSGIMount(ProtectedResource.of(make_auth()), root)  # type: ignore[arg-type, unused-ignore]  # as Werkzeug types environ


def mount_flask() -> WSGIApp:
    root = Flask(__name__, static_folder=None)
    root.register_blueprint(resource_metadata_blueprint(make_auth()))
    return DispatcherMiddleware(root, {"/mcp": make_wsgi()})  # type: ignore[return-value, unused-ignore]


def mount_asgi() -> ASGIApp:
    guarded = make_asgi()

    async def root(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith("/mcp")
        await guarded({**scope, "root_path": "/mcp"}, receive, send)

    return ASGIMount(ProtectedResource.of(make_auth()), root)


def mount_starlette() -> ASGIApp:
    return Starlette(routes=[resource_metadata_route(make_auth()), Mount("/mcp", make_starlette("/"))])


def mount_fastapi() -> ASGIApp:
    root = FastAPI()
    add_resource_metadata(root, make_auth())
    root.mount("/mcp", make_starlette("/"))
    return root


def _nothing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", TEXT)])
    return [b""]


# Asking them


def ask_wsgi(app: WSGIApp, case: Case) -> Answer:
    """One request, and all of its answer."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        started[:] = [status, headers]
        return lambda _: None

    body = b"".join(app(environ_of(case), start_response))
    status, headers = started
    return int(status[:3]), [(name.lower(), value) for name, value in headers], body


def ask_asgi(app: ASGIApp, case: Case) -> Answer:
    """One request on an event loop of its own, and all of its answer."""
    import asyncio

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(_call(app, scope_of(case), receive, send))
    headers = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


async def _call(app: ASGIApp, *arguments: Any) -> None:
    await app(*arguments)


def _asker(make: Callable[[], Any], ask: Callable[[Any, Case], Answer]) -> Callable[[Case], Answer]:
    app = make()
    return lambda case: ask(app, case)


AT_ROOT: Final[Mapping[str, Callable[[], Callable[[Case], Answer]]]] = {
    "wsgi": lambda: _asker(make_wsgi, ask_wsgi),
    "flask": lambda: _asker(make_flask, ask_wsgi),
    "asgi": lambda: _asker(make_asgi, ask_asgi),
    "starlette": lambda: _asker(make_starlette, ask_asgi),
    "fastapi": lambda: _asker(make_fastapi, ask_asgi),
}
MOUNTED: Final[Mapping[str, Callable[[], Callable[[Case], Answer]]]] = {
    "wsgi mounted": lambda: _asker(mount_wsgi, ask_wsgi),
    "flask mounted": lambda: _asker(mount_flask, ask_wsgi),
    "asgi mounted": lambda: _asker(mount_asgi, ask_asgi),
    "starlette mounted": lambda: _asker(mount_starlette, ask_asgi),
    "fastapi mounted": lambda: _asker(mount_fastapi, ask_asgi),
}
EVERYWHERE: Final = {**AT_ROOT, **MOUNTED}

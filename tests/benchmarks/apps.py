"""The bare applications, each answering with the name of who is calling, and authmw in front of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import authmw_starlette
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import authmw.asgi
import authmw.wsgi
from authmw import Auth, current_principal

App = Callable[..., Any]
Decorator = Callable[[App], App]

PUBLIC = ("/health", "/docs/*")


def bare_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Raw WSGI."""
    principal = environ.get("authmw.principal")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [principal.id.encode() if principal is not None else b"nobody"]


async def bare_asgi(scope: Any, receive: Any, send: Any) -> None:
    """Raw ASGI."""
    principal = scope.get("authmw.principal")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": principal.id.encode() if principal is not None else b"nobody"})


def undecorated(view: App) -> App:
    """The view as it is."""
    return view


def flask_app(decorator: Decorator = undecorated) -> Flask:
    """Flask, one view."""
    app = Flask("bench")

    def orders() -> str:
        return current_principal().id or "nobody"

    app.get("/orders")(decorator(orders))
    return app


def starlette_app(decorator: Decorator = undecorated) -> Starlette:
    """Starlette, one endpoint."""

    async def orders(request: Request) -> PlainTextResponse:
        user = request.scope.get("user")
        return PlainTextResponse(user.id if user is not None else "nobody")

    return Starlette(routes=[Route("/orders", decorator(orders))])


def fastapi_app(decorator: Decorator = undecorated) -> FastAPI:
    """FastAPI, one endpoint."""
    app = FastAPI(openapi_url=None)

    async def orders() -> str:
        return current_principal().id or "nobody"

    app.get("/orders", response_class=PlainTextResponse)(decorator(orders))
    return app


def guarded_wsgi(auth: Auth) -> App:
    """Raw WSGI behind authmw."""
    return authmw.wsgi.AuthMiddleware(bare_wsgi, auth, public=PUBLIC)


def guarded_asgi(auth: Auth) -> App:
    """Raw ASGI behind authmw."""
    return authmw.asgi.AuthMiddleware(bare_asgi, auth, public=PUBLIC)


def guarded_flask(auth: Auth, decorator: Decorator = undecorated) -> App:
    """Flask with the extension."""
    app = flask_app(decorator)
    FlaskAuth(app, auth, public=PUBLIC)
    return app


def guarded_starlette(auth: Auth, decorator: Decorator = undecorated) -> App:
    """Starlette with the middleware."""
    app = starlette_app(decorator)
    app.add_middleware(authmw_starlette.AuthMiddleware, auth=auth, public=PUBLIC)
    return app


def guarded_fastapi(auth: Auth, decorator: Decorator = undecorated) -> App:
    """FastAPI with the extension."""
    app = fastapi_app(decorator)
    FastAPIAuth(app, auth, public=PUBLIC)
    return app

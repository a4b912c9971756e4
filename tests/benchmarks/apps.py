"""The bare applications, each answering with the name of who is calling, and authmw in front of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import authmw_starlette
from authmw_flask import FlaskAuth
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import authmw.asgi
import authmw.wsgi
from authmw import Auth, current_principal

App = Callable[..., Any]


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


def flask_app() -> Flask:
    """Flask, one view."""
    app = Flask("bench")

    @app.get("/orders")
    def orders() -> str:
        return current_principal().id or "nobody"

    return app


def starlette_app() -> Starlette:
    """Starlette, one endpoint."""

    async def orders(request: Request) -> PlainTextResponse:
        user = request.scope.get("user")
        return PlainTextResponse(user.id if user is not None else "nobody")

    return Starlette(routes=[Route("/orders", orders)])


def guarded_wsgi(auth: Auth) -> App:
    """Raw WSGI behind authmw."""
    return authmw.wsgi.AuthMiddleware(bare_wsgi, auth, public=["/health", "/docs/*"])


def guarded_asgi(auth: Auth) -> App:
    """Raw ASGI behind authmw."""
    return authmw.asgi.AuthMiddleware(bare_asgi, auth, public=["/health", "/docs/*"])


def guarded_flask(auth: Auth) -> App:
    """Flask with the extension."""
    app = flask_app()
    FlaskAuth(app, auth, public=["/health", "/docs/*"])
    return app


def guarded_starlette(auth: Auth) -> App:
    """Starlette with the middleware."""
    app = starlette_app()
    app.add_middleware(authmw_starlette.AuthMiddleware, auth=auth, public=["/health", "/docs/*"])
    return app

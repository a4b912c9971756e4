"""Applications for the commands that load one: written into the directory where one is, and forgotten afterwards."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

FLASK = """
    from authmw import Auth, HTTPBearer, Principal, public, requires_scopes
    from authmw_flask import FlaskAuth
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    def nobody(token):
        return None

    def admin(environ, start_response):
        raise NotImplementedError

    def create_app(guard=True):
        app = Flask("shop", static_folder=None)
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/admin": admin})
        if guard:
            FlaskAuth(app, Auth(HTTPBearer(nobody)), default="allow")

        @app.get("/orders/<int:number>")
        @requires_scopes("orders:read")
        def order(number):
            '''One order.'''

        @app.get("/health")
        @public
        def health():
            '''Whether it is up.'''

        @app.get("/forgotten")
        def forgotten():
            pass

        @requires_scopes("orders:write")
        @app.post("/orders")
        def misplaced():
            pass

        return app

    app = create_app()
    bare = create_app(guard=False)
"""

STARLETTE = """
    from authmw import Auth, HTTPBearer, public, requires_scopes
    from authmw.asgi import AuthMiddleware as PlainMiddleware
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route, WebSocketRoute

    def nobody(token):
        return None

    routes = []

    def get(path):
        def registered(endpoint):
            routes.append(Route(path, endpoint))
            return endpoint
        return registered

    @get("/orders/{number:int}")
    @requires_scopes("orders:read")
    async def order(request):
        '''One order.'''

    @get("/health")
    @public
    async def health(request):
        pass

    @get("/forgotten")
    async def forgotten(request):
        pass

    @requires_scopes("orders:write")
    @get("/misplaced")
    async def misplaced(request):
        pass

    async def live(websocket):
        pass

    async def admin(scope, receive, send):
        raise NotImplementedError

    def create_app(default):
        app = Starlette(routes=[*routes, WebSocketRoute("/live", live), Mount("/admin", admin)])
        if default:
            app.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer(nobody)), default=default)
        return app

    app = create_app("allow")
    denying = create_app("deny")
    outside = PlainMiddleware(create_app(None), Auth(HTTPBearer(nobody)))
"""


def write(name: str, text: str) -> Path:
    """A module in the directory where one is."""
    path = Path(f"{name}.py")
    path.write_text(dedent(text))
    return path


@contextmanager
def forgotten_afterwards() -> Generator[None]:
    """What is imported in the block is gone after it, and so is the path it came from."""
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in sys.modules.keys() - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if "site-packages" not in file and "authmw" not in name:
                del sys.modules[name]

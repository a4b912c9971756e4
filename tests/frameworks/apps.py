"""One small application in each framework, with views that raise refusals, and that catch them and answer themselves.

The path is ``/<what>/<by>``: what the view does, and by what the refusal is raised, a guarded function (``guarded``) or
``require()`` (``required``).
"""

# Falcon, Litestar and Quart type their decorators loosely, or not at all.
# mypy: disable-error-code="untyped-decorator, misc"

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from authmw import AccessRefused, Auth, HTTPBearer, Principal, current_principal, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Environ, Receive, Scope, Send
from authmw.stores import StoreUnavailable
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.adapters.django.site import configure

LAYER: Final = ("X-Layer", "of the application")
"""What the application's own layer adds to each response."""
RETRY_AFTER: Final = "7"


def make_auth() -> Auth:
    """An engine that knows one token."""
    return Auth(HTTPBearer({"t0ken": Principal("alice", scopes={"orders:read"})}.get))


class Own(NamedTuple):
    """A response that the application makes itself."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def status_line(self) -> str:
        """As WSGI wants it."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


OWN: Final = {
    "own-200": Own(200, {}, "all that you may see"),
    "own-403": Own(403, {"X-Own": "yes"}, "the application's own words"),
    "own-503": Own(503, {"Retry-After": RETRY_AFTER}, "the application's own words"),
}


@requires_scopes("admin")
def wipe() -> None:
    """A guarded function that is no view."""


@requires_scopes("admin")
async def wipe_later() -> None:
    """The same as a coroutine function."""


def refuse(by: str) -> None:
    """Raise a refusal."""
    if by == "guarded":
        wipe()
    current_principal().require("admin")


async def refuse_later(by: str) -> None:
    """Raise a refusal in a coroutine function."""
    if by == "guarded":
        await wipe_later()
    current_principal().require("admin")


def bug() -> Own:
    """Fail."""
    raise LookupError("a bug")


def ask_a_store() -> None:
    """Ask a store that is down, in the application's own code."""
    raise StoreUnavailable("Ask(find) raised OSError") from OSError("postgresql://authmw:hunter2@db")


def answer(what: str, by: str) -> Own:
    """What a view does."""
    if what == "outage":
        ask_a_store()
    if what == "bug-alone":
        return bug()
    if what == "refused":
        refuse(by)
    with contextlib.suppress(AccessRefused):
        refuse(by)
    return bug() if what == "bug" else OWN[what]


async def answer_later(what: str, by: str) -> Own:
    """What an asynchronous view does."""
    if what == "outage":
        ask_a_store()
    if what == "bug-alone":
        return bug()
    if what == "refused":
        await refuse_later(by)
    with contextlib.suppress(AccessRefused):
        await refuse_later(by)
    return bug() if what == "bug" else OWN[what]


def _split(path: str) -> tuple[str, str]:
    what, _, by = path.strip("/").rpartition("/")
    return what.rpartition("/")[2], by


StartResponse = Callable[..., Callable[[bytes], object]]


def plain_wsgi(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """An application without a framework: it answers from inside its ``except`` block, too."""
    what, by = _split(environ["PATH_INFO"])
    if what == "outage":
        ask_a_store()
    if what == "refused":
        refuse(by)
    try:
        refuse(by) if what != "bug-alone" else bug()
    except AccessRefused:
        if what != "bug":
            return _own_wsgi(OWN[what], start_response)
    except LookupError:
        return _own_wsgi(Own(500, {}, "broken"), start_response)
    try:
        bug()
    except LookupError:
        return _own_wsgi(Own(500, {}, "broken"), start_response)
    return []


def _own_wsgi(own: Own, start_response: StartResponse) -> Iterable[bytes]:
    start_response(own.status_line, [("Content-Type", "text/plain"), *own.headers.items(), LAYER])
    return [own.body.encode()]


def make_plain_wsgi() -> Any:
    """A WSGI application without a framework."""
    return WSGIMiddleware(plain_wsgi, make_auth())


async def plain_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """The same as an ASGI application."""
    what, by = _split(scope["path"])
    if what == "outage":
        ask_a_store()
    if what == "refused":
        await refuse_later(by)
    try:
        await refuse_later(by) if what != "bug-alone" else bug()
    except AccessRefused:
        if what != "bug":
            await _own_asgi(OWN[what], send)
            return
    except LookupError:
        await _own_asgi(Own(500, {}, "broken"), send)
        return
    try:
        bug()
    except LookupError:
        await _own_asgi(Own(500, {}, "broken"), send)


async def _own_asgi(own: Own, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), *((k.lower().encode(), v.encode()) for k, v in own.headers.items())]
    headers.append((LAYER[0].lower().encode(), LAYER[1].encode()))
    await send({"type": "http.response.start", "status": own.status, "headers": headers})
    await send({"type": "http.response.body", "body": own.body.encode()})


def make_plain_asgi() -> Any:
    """An ASGI application without a framework."""
    return ASGIMiddleware(plain_asgi, make_auth())


def _flask() -> Any:
    from flask import Flask, Response

    app = Flask("shop")

    @app.get("/<what>/<by>")
    def view(what: str, by: str) -> tuple[str, int, dict[str, str]]:
        own = answer(what, by)
        return own.body, own.status, own.headers

    @app.get("/decorated")
    @requires_scopes("admin")
    def decorated() -> str:
        return "secret"

    @app.after_request
    def layer(response: Response) -> Response:
        response.headers[LAYER[0]] = LAYER[1]
        return response

    return app


def make_flask() -> Any:
    """Flask with its adapter."""
    from authmw_flask import FlaskAuth

    app = _flask()
    FlaskAuth(app, make_auth())
    return app


def make_flask_behind_wsgi() -> Any:
    """Flask behind the middleware for any WSGI application."""
    return WSGIMiddleware(_flask(), make_auth())


def make_flask_in_flask() -> Any:
    """Flask mounted in another one, which alone has the adapter."""
    from authmw_flask import FlaskAuth
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    outer = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/inner": _flask()})  # type: ignore[method-assign]
    FlaskAuth(outer, make_auth())
    return outer


class _Layer:
    """ASGI middleware that adds a header."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Any) -> None:
            if message["type"] == "http.response.start":
                header = (LAYER[0].lower().encode(), LAYER[1].encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self.app(scope, receive, add)


def _starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def view(request: Request) -> PlainTextResponse:
        own = await answer_later(**request.path_params)
        return PlainTextResponse(own.body, own.status, own.headers)

    @requires_scopes("admin")
    def decorated(request: Request) -> PlainTextResponse:
        return PlainTextResponse("secret")

    return Starlette(routes=[Route("/decorated", decorated), Route("/{what}/{by}", view)])


def make_starlette() -> Any:
    """Starlette with its adapter, added."""
    from authmw_starlette import AuthMiddleware

    app = _starlette()
    app.add_middleware(_Layer)
    app.add_middleware(AuthMiddleware, auth=make_auth())
    return app


def make_starlette_from_outside() -> Any:
    """Starlette with its adapter, put around it."""
    from authmw_starlette import AuthMiddleware

    app = _starlette()
    app.add_middleware(_Layer)
    return AuthMiddleware(app, make_auth())


def _fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI()

    @app.get("/decorated")
    @requires_scopes("admin")
    async def decorated() -> str:
        return "secret"

    @app.get("/{what}/{by}")
    def view(what: str, by: str) -> PlainTextResponse:
        own = answer(what, by)
        return PlainTextResponse(own.body, own.status, own.headers)

    return app


def make_fastapi() -> Any:
    """FastAPI with its adapter."""
    from authmw_fastapi import FastAPIAuth

    app = _fastapi()
    app.add_middleware(_Layer)
    FastAPIAuth(app, make_auth())
    return app


def make_fastapi_behind_asgi() -> Any:
    """FastAPI behind the middleware for any ASGI application."""
    app = _fastapi()
    app.add_middleware(_Layer)
    return ASGIMiddleware(app, make_auth())


def make_fastapi_in_fastapi() -> Any:
    """FastAPI mounted in another one, which alone has the adapter."""
    from authmw_fastapi import FastAPIAuth
    from fastapi import FastAPI

    outer, inner = FastAPI(), _fastapi()
    inner.add_middleware(_Layer)
    outer.mount("/inner", inner)
    FastAPIAuth(outer, make_auth())
    return outer


def _falcon_layer() -> Any:
    class Layer:
        def process_response(self, request: Any, response: Any, resource: Any, succeeded: bool) -> None:
            response.set_header(*LAYER)

        async def process_response_async(self, request: Any, response: Any, resource: Any, succeeded: bool) -> None:
            response.set_header(*LAYER)

    return Layer()


def make_falcon(handler: Any = None) -> Any:
    """Falcon under WSGI."""
    import falcon

    class View:
        def on_get(self, request: falcon.Request, response: falcon.Response, what: str, by: str) -> None:
            own = answer(what, by)
            response.status, response.text = own.status_line, own.body
            response.set_headers(own.headers)

    class Decorated:
        @requires_scopes("admin")
        def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
            response.text = "secret"

    app = falcon.App(middleware=[_falcon_layer()])
    app.add_route("/{what}/{by}", View())
    app.add_route("/decorated", Decorated())
    if handler is not None:
        app.add_error_handler(AccessRefused, handler)
    return WSGIMiddleware(app, make_auth())


def make_falcon_with_handler() -> Any:
    """Falcon under WSGI, with the handler of the example."""
    from examples.frameworks.falcon_app import refused

    return make_falcon(refused)


def make_falcon_asgi() -> Any:
    """Falcon under ASGI."""
    import falcon.asgi

    class View:
        async def on_get(self, request: Any, response: Any, what: str, by: str) -> None:
            own = await answer_later(what, by)
            response.status, response.text = own.status_line, own.body
            response.set_headers(own.headers)

    class Decorated:
        @requires_scopes("admin")
        async def on_get(self, request: Any, response: Any) -> None:
            response.text = "secret"

    app = falcon.asgi.App(middleware=[_falcon_layer()])
    app.add_route("/{what}/{by}", View())
    app.add_route("/decorated", Decorated())
    return ASGIMiddleware(app, make_auth())


def make_quart(handler: Any = None) -> Any:
    """Quart."""
    from quart import Quart, Response

    app = Quart("shop")

    @app.get("/<what>/<by>")
    async def view(what: str, by: str) -> tuple[str, int, dict[str, str]]:
        own = await answer_later(what, by)
        return own.body, own.status, own.headers

    @app.get("/decorated")
    @requires_scopes("admin")
    async def decorated() -> str:
        return "secret"

    @app.after_request
    async def layer(response: Response) -> Response:
        response.headers[LAYER[0]] = LAYER[1]
        return response

    if handler is not None:
        app.register_error_handler(AccessRefused, handler)
    return ASGIMiddleware(app, make_auth())


def make_quart_with_handler() -> Any:
    """Quart, with the handler of the example."""
    from examples.frameworks.quart_app import refused

    return make_quart(refused)


def make_litestar_with_handler() -> Any:
    """Litestar, with the handler of the example."""
    from examples.frameworks.litestar_app import refused
    from tests.frameworks.litestar_app import make_app

    return ASGIMiddleware(make_app(exception_handlers={AccessRefused: refused}), make_auth())


def make_litestar() -> Any:
    """Litestar."""
    from tests.frameworks.litestar_app import make_app

    return ASGIMiddleware(make_app(), make_auth())


def _django_handler(get_handler: Callable[[], Any], *middleware: str) -> Any:
    from django.test import override_settings

    configure()
    layers = ["tests.frameworks.django_urls.layer", *middleware]
    with override_settings(MIDDLEWARE=layers, ALLOWED_HOSTS=["*"]):
        return get_handler()


def make_django() -> Any:
    """Django under WSGI, with its adapter."""
    from django.core.wsgi import get_wsgi_application

    handler = _django_handler(get_wsgi_application, "authmw_django.RefusalMiddleware")
    return WSGIMiddleware(handler, make_auth())


def make_django_asgi() -> Any:
    """Django under ASGI, with its adapter."""
    from django.core.asgi import get_asgi_application

    handler = _django_handler(get_asgi_application, "authmw_django.RefusalMiddleware")
    return ASGIMiddleware(handler, make_auth())


def make_django_without_adapter() -> Any:
    """Django under WSGI, without its adapter."""
    from django.core.wsgi import get_wsgi_application

    return WSGIMiddleware(_django_handler(get_wsgi_application), make_auth())


def make_fastapi_in_fastapi_behind_a_copy() -> Any:
    """FastAPI mounted in another one, behind middleware that hands on a copy of the scope."""
    from authmw_fastapi import FastAPIAuth
    from fastapi import FastAPI

    outer, inner = FastAPI(), _fastapi()

    async def copying(scope: Scope, receive: Receive, send: Send) -> None:
        await inner({**scope}, receive, send)

    outer.mount("/inner", copying)
    FastAPIAuth(outer, make_auth())
    return outer

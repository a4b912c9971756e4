"""Generated applications with layers inside of the guard, and an oracle of what strangers may get from them.

A world has views (public, closed or undecided, in several styles), a group of them below a prefix, layers that serve or
change requests, and public paths. It is built three times: guarded; without the guard; and without guard and layers.
Each answer names its maker. From the two unguarded ones the oracle knows which view was asked for and who would answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from random import Random
from typing import Any, Final, cast

from authmw_fastapi import AuthMiddleware as FastAPIMiddleware
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from fastapi import APIRouter, FastAPI
from flask import Blueprint, Flask
from flask import Response as FlaskResponse
from flask import request as flask_request
from flask.views import MethodView
from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Mount, Route, Router

from authmw import Auth, HTTPBearer, Principal, authenticated, optionally_authenticated, public, requires_scopes
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Environ, Message, Receive, Scope, Send
from authmw.http.response import StartResponse, WSGIApp
from authmw.wsgi import AuthMiddleware as WSGIMiddleware

ASGIApp = Callable[[Scope, Receive, Send], Any]
Run = Callable[[Any], Any]
"""Runs a coroutine."""
Client = Callable[["Asked"], "Answer"]

FRAMEWORKS: Final = ("wsgi", "asgi", "flask", "starlette", "fastapi")
AUTH: Final = Auth(HTTPBearer({"good": Principal("alice", scopes={"orders"})}.get))
PREFIX: Final = "/g"
FILES: Final = "/files"
_PATHS: Final = ("/a", "/b", "/a/{x}", "/files/x", "/{rest:path}", "/{rest:path}", "/c/")
_ASKED: Final = ("/a", "/b", "/a/1", "/files/x", "/files/y", "/c/", "/c", "/none", "/", "//a", "/a;b", "/a/../b")
_METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS", "DELETE")
_SENT: Final = ("GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE", "preflight")
_PUBLIC: Final = ("/a", "/files/*", "GET /a/*", "POST /b", "/g/*", "GET /g/a", "OPTIONS /b")
_ACCESS: Final = ("public", "public", "public", "optional", "none", "none", "scopes", "authenticated")
_OPEN: Final = ("public", "optional")
_CLOSED: Final = "a public view is closed"
_DECORATORS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "public": public,
    "optional": optionally_authenticated,
    "scopes": requires_scopes("orders"),
    "authenticated": authenticated,
    "none": lambda function: function,
}


@dataclass(frozen=True)
class View:
    """A view. A class has a method, and an access, for each of its methods; a function has one access."""

    number: int
    path: str
    access: Mapping[str, str]
    is_class: bool
    style: str  # "below" the framework's decorator, "above" it, or "below" with a foreign decorator in between
    in_group: bool
    on_host: bool

    def maker(self, method: str) -> str:
        """The name of who answers: for a class, its method."""
        return f"view {self.number} {method if self.is_class else 'any'}"


@dataclass(frozen=True)
class Layer:
    """A layer inside of the guard."""

    kind: str  # "serves" and "mounts" answer below FILES; "path", "method" and "host" change the request; "passes"
    shape: str  # "class", "closure", or a function of the framework
    in_group: bool
    number: int


@dataclass(frozen=True)
class World:
    """An application to build."""

    framework: str
    views: tuple[View, ...]
    layers: tuple[Layer, ...]
    public: tuple[str, ...]
    group: str  # "included", "mounted", or for Starlette a "router" with layers of its own
    outside: bool

    @property
    def layers_in_front(self) -> tuple[Layer, ...]:
        """The layers in front of the routes of the application."""
        return tuple(layer for layer in self.layers if not layer.in_group)

    def built(self, run: Run, *, guarded: bool, layers: tuple[Layer, ...] | None = None) -> Client:
        """A client of the application; without the guard all decorators of authmw are left out."""
        layers = self.layers if layers is None else layers
        ran: list[str] = []
        app = _BUILDERS[self.framework](self, layers, ran, guarded=guarded)
        return _wsgi_client(app, ran) if self.framework in ("wsgi", "flask") else _asgi_client(app, ran, run)


@dataclass(frozen=True)
class Asked:
    """A request."""

    path: str
    method: str
    headers: Mapping[str, str]

    @property
    def sent(self) -> str:
        """The method as it is sent."""
        return "OPTIONS" if self.method == "preflight" else self.method


@dataclass(frozen=True)
class Answer:
    """An answer: its status, who made it, and what ran for it."""

    status: int
    maker: str
    body: bytes
    ran: tuple[str, ...]
    seen: str = ""
    """Method and whole path, as a view saw them, or a layer behind a router of Starlette's."""


def world_of(random: Random, framework: str) -> World:
    """A world by chance."""
    return World(
        framework,
        tuple(_view(random, number) for number in range(random.randint(1, 5))),
        tuple(
            Layer(
                random.choice(("serves", "serves", "mounts", "path", "path", "method", "host", "passes")),
                random.choice(("class", "closure", "function")),
                random.random() < 0.4,
                number,
            )
            for number in range(random.randint(0, 3))
        ),
        tuple(random.sample(_PUBLIC, random.choice((0, 0, 1, 2)))),
        random.choice(("included", "mounted", "router") if framework == "starlette" else ("included", "mounted")),
        random.random() < 0.5,
    )


def _view(random: Random, number: int) -> View:
    methods = random.choice((("GET",), ("GET", "POST"), ("GET", "OPTIONS"), ("POST",), ("OPTIONS",)))
    access = random.choice(_ACCESS)
    is_class = random.random() < 0.3
    return View(
        number,
        random.choice(_PATHS),
        {method: random.choice(_ACCESS) if is_class else access for method in methods},
        is_class,
        random.choice(("below", "foreign")) if access not in _OPEN else random.choice(("below", "foreign", "above")),
        random.random() < 0.4,
        random.random() < 0.15,
    )


def asked_of(random: Random, world: World) -> Asked:
    """A request by chance."""
    path = random.choice(("", "", PREFIX)) + random.choice(_ASKED)
    method = random.choice(_SENT)
    if random.random() < 0.5:  # for one of the views
        view = random.choice(world.views)
        path = (PREFIX if view.in_group else "") + view.path.replace("{x}", "1").replace("{rest:path}", "files/x")
        method = random.choice(tuple(view.access))
    headers: dict[str, str] = {"host": random.choice(("www.test", "www.test", "admin.test"))}
    if method == "preflight":
        headers |= {"origin": "https://a.example", "access-control-request-method": random.choice(("GET", "BREW"))}
    if random.random() < 0.5:
        headers["x-path"] = random.choice(("", PREFIX)) + random.choice(_ASKED[:9])
    if random.random() < 0.3:
        headers["x-method"] = random.choice(_METHODS)
    if random.random() < 0.3:
        headers["x-host"] = "admin.test"
    if random.random() < 0.25:
        headers["authorization"] = random.choice(("Bearer good", "Bearer bad"))
    return Asked(path, method, headers)


def faults(world: World, asked: Iterable[Asked], counts: Counter[str] | None = None) -> list[str]:
    """What the guard does wrong in `world`, in a sentence each."""
    found: list[str] = []
    counts = Counter() if counts is None else counts
    with asyncio.Runner() as runner:
        guarded = world.built(runner.run, guarded=True)
        without_guard = world.built(runner.run, guarded=False)
        bare = world.built(runner.run, guarded=False, layers=())
        in_front = world.built(runner.run, guarded=False, layers=world.layers_in_front)
        for each in asked:
            got, free, plain = (client(each) for client in (guarded, without_guard, bare))
            kind, wrong = _judged(world, each, got, free, plain)
            if wrong == _CLOSED and _is_refused_at_router(world, got, in_front(each)):
                kind, wrong = "stranger at a layer", ""
            counts[kind] += 1
            if wrong:
                found.append(f"{each}: {wrong}; got {got}, without the guard {free}, without layers {plain}")
    return found


def _judged(world: World, asked: Asked, got: Answer, free: Answer, plain: Answer) -> tuple[str, str]:
    """The kind of request, and what is wrong with the answer `got`; empty if it is right."""
    token = asked.headers.get("authorization")
    if token == "Bearer bad":
        return "bad token", "" if got.status == 401 and not got.ran else "a bad token is not refused"
    if token is not None:
        return "good token", "" if _same(got, free) else "a caller gets another answer"
    if _is_named(world, asked.sent, asked.path):
        if free.maker.startswith("view") and _access(world, free.maker) == "none" and not _is_named_view(world, free):
            is_refused = got.status == 401 and not _views_in(got)
            return "led away from a public path", "" if is_refused else "a closed view ran"
        if got.status == 401 and not got.ran and _is_behind_router(world, free) and not _is_named_view(world, free):
            return "led away from a public path", ""  # the router in front sees where the request is led
        is_served = free.maker.startswith("layer") and free.body in (b"served", b"")  # none for HEAD
        if is_served and got.status == 401 and not got.ran:
            return "declared below a public path", ""  # Flask looks at the view before the functions before the request
        if not free.maker and got.status == 401 and any(each.kind in ("path", "method") for each in world.layers):
            return "nothing at a public path", ""
        if free.maker and _access(world, free.maker) in ("scopes", "authenticated"):
            is_refused = got.status == 401 or (asked.method == "preflight" and not got.ran)
            return "declared below a public path", "" if is_refused else "a declaration does not hold"
        reached = free.seen.partition(" ")[2] or asked.path
        if (
            any(_is_slash_alone(world, path) for path in (asked.path, reached))
            and got.status in (401, 204)
            and not got.ran
        ):
            return "the slash of a pattern", ""  # another router may read it as the path without the slash
        return "public path", "" if _same(got, free) else "a public path is closed"
    # Flask's own answer to OPTIONS is not for preflights, which the guard answers.
    let_in = _is_open(world, plain) and not (asked.method == "preflight" and plain.maker.endswith("automatic"))
    if let_in and _is_open(world, free):
        return "public view", "" if _same(got, free) else _CLOSED
    if asked.method == "preflight" and not let_in:
        return "preflight", "" if (got.status, got.ran) == (204, ()) else "a preflight gets in"
    if any(_access(world, ran) not in _OPEN for ran in _views_in(got)):
        return "stranger", "a closed view ran"
    if got.ran and not let_in:
        return "stranger", "something ran for a stranger"
    kind = "stranger at a layer" if let_in else "stranger"
    return kind, "" if got.status == 401 and not got.maker else "a stranger gets in"


def _is_refused_at_router(world: World, got: Answer, in_front: Answer) -> bool:
    """Whether a stranger was refused whom the layers in front lead to nothing that is public.

    A layer of the group may lead the stranger on to a public view. Nobody can know that before it has run.
    """
    is_refused = world.framework in ("starlette", "fastapi") and got.status == 401 and not got.ran
    return is_refused and not _is_open(world, in_front)


def _same(one: Answer, other: Answer) -> bool:
    return (one.status, one.maker, one.body, one.ran) == (other.status, other.maker, other.body, other.ran)


def _is_open(world: World, answer: Answer) -> bool:
    return answer.maker.startswith("view") and _access(world, answer.maker) in _OPEN


def _access(world: World, maker: str) -> str:
    _, number, method = maker.split() if maker.startswith("view") else ("", "", "")
    if not number:
        return ""
    view = world.views[int(number)]
    if method == "automatic" and view.is_class:
        return "none"  # Flask's own answer to OPTIONS is none of the methods of the class
    return view.access.get(method) or next(iter(view.access.values()))


def _views_in(answer: Answer) -> list[str]:
    return [ran for ran in answer.ran if ran.startswith("view")]


def _is_behind_router(world: World, answer: Answer) -> bool:
    """Whether the layer that answers is one of the group, which the application reaches by its routes."""
    kind, _, number = answer.maker.partition(" ")
    return kind == "layer" and world.framework in ("starlette", "fastapi") and world.layers[int(number)].in_group


def _is_named_view(world: World, answer: Answer) -> bool:
    """Whether a public path names what answers, at the method and path by which it was reached."""
    method, _, path = answer.seen.partition(" ")
    return _is_named(world, method, path)


def _is_named(world: World, sent: str, asked: str) -> bool:
    """Whether a public path names a request, by a reading of the patterns of its own."""
    if any(part in asked for part in ("//", ";", "..")):
        return False
    for pattern in world.public:
        method, _, path = pattern.rpartition(" ")
        below = path.endswith("/*") and asked.startswith(path[:-1])
        if (below or path == asked) and method in ("", sent, "GET" if sent == "HEAD" else ""):
            return True
    return False


def _is_slash_alone(world: World, path: str) -> bool:
    """Whether `path` is public as ``/docs/`` is by ``/docs/*`` alone, where a router may find the same at ``/docs``."""
    paths = [pattern.rpartition(" ")[2] for pattern in world.public]
    return world.framework in ("wsgi", "asgi", "flask") and f"{path}*" in paths and path not in paths


# What the applications are made of


def _foreign(function: Any) -> Any:
    """A decorator of another package."""
    if iscoroutinefunction(function):

        @wraps(function)
        async def wrapped_async(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs)

        return wrapped_async

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapped


def _register(view: View, function: Any, register: Callable[[Any], object], *, guarded: bool) -> None:
    """Register the view `function` in the style of `view`."""
    access = next(iter(view.access.values()))
    decorate = _DECORATORS[access if guarded else "none"]
    if view.style == "above":
        register(function)
        decorate(function)
    else:
        register(_foreign(decorate(function)) if view.style == "foreign" else decorate(function))


def _methods_of(view: View, function_of: Callable[[str], Any], *, guarded: bool) -> dict[str, Any]:
    """The methods of a class-based view."""
    return {
        method.lower(): _DECORATORS[access if guarded else "none"](function_of(method))
        for method, access in view.access.items()
    }


# WSGI and Flask


def _wsgi_answer(maker: str, ran: list[str]) -> WSGIApp:
    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        ran.append(maker)
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Maker", maker)])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else maker.encode()]

    return answer


class _WSGILayer:
    def __init__(self, app: WSGIApp, layer: Layer, ran: list[str]) -> None:
        self.app = app
        self._layer = layer
        self._answer = _wsgi_answer(f"layer {layer.number}", ran)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        kind = self._layer.kind
        if kind in ("serves", "mounts") and environ["PATH_INFO"].startswith(FILES):
            return self._answer(environ, start_response)
        for name, key in (("path", "PATH_INFO"), ("method", "REQUEST_METHOD"), ("host", "HTTP_HOST")):
            if kind == name and f"HTTP_X_{name.upper()}" in environ:
                environ = {**environ, key: environ[f"HTTP_X_{name.upper()}"]}
        return self.app(environ, start_response)


def _wsgi_layered(app: WSGIApp, layers: Iterable[Layer], ran: list[str]) -> WSGIApp:
    for layer in layers:
        made = _WSGILayer(app, layer, ran)
        app = made if layer.shape == "class" else made.__call__
    return app


def _wsgi_client(app: WSGIApp, ran: list[str]) -> Client:
    def client(asked: Asked) -> Answer:
        ran.clear()
        started: list[Any] = []
        environ: Environ = {
            "REQUEST_METHOD": asked.sent,
            "SCRIPT_NAME": "",
            "PATH_INFO": asked.path,
            "QUERY_STRING": "",
            "SERVER_NAME": "www.test",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in asked.headers.items()},
        }

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            assert not started or exc_info
            started[:] = [int(status[:3]), dict(headers)]
            return lambda _: None

        chunks = app(environ, start_response)
        body = b"".join(chunks)
        getattr(chunks, "close", lambda: None)()
        return Answer(started[0], started[1].get("X-Maker", ""), body, tuple(ran), started[1].get("X-Seen", ""))

    return client


def _wsgi(world: World, layers: tuple[Layer, ...], ran: list[str], *, guarded: bool) -> Any:
    app = _wsgi_layered(_wsgi_answer("program", ran), layers, ran)
    return WSGIMiddleware(app, AUTH, public=world.public) if guarded else app


def _flask(world: World, layers: tuple[Layer, ...], ran: list[str], *, guarded: bool) -> Any:
    app = Flask("world", static_folder=None)
    group = Blueprint("group", __name__)
    for view in world.views:
        _add_to_flask(group if view.in_group else app, view, ran, guarded=guarded)
    app.register_blueprint(group, url_prefix=PREFIX)
    automatic = app.make_default_options_response

    def named() -> FlaskResponse:
        answer, rule = automatic(), flask_request.url_rule
        if rule is not None:
            answer.headers["X-Seen"] = f"OPTIONS {flask_request.path}"
            answer.headers["X-Maker"] = f"view {rule.endpoint.rpartition('view')[2]} automatic"
        return answer

    setattr(app, "make_default_options_response", named)  # noqa: B010 - mypy takes it for a method only
    for layer in (layer for layer in layers if layer.shape == "function"):
        _before_request(app, layer, ran)
    wrapped = _wsgi_layered(app.wsgi_app, (layer for layer in layers if layer.shape != "function"), ran)
    setattr(app, "wsgi_app", wrapped)  # noqa: B010 - Flask's way
    if guarded:
        FlaskAuth(app, AUTH, public=world.public)
    return app


def _before_request(app: Flask, layer: Layer, ran: list[str]) -> None:
    def before() -> FlaskResponse | None:
        if layer.kind not in ("serves", "mounts") or not flask_request.path.startswith(FILES):
            return None
        ran.append(f"layer {layer.number}")
        return FlaskResponse("served", headers={"X-Maker": f"layer {layer.number}"})

    app.before_request(before)


def _add_to_flask(target: Flask | Blueprint, view: View, ran: list[str], *, guarded: bool) -> None:
    path = view.path.replace("{rest:path}", "<path:rest>").replace("{x}", "<x>")

    def function_of(method: str) -> Any:
        def function(*_: object, **__: object) -> FlaskResponse:
            ran.append(view.maker(method))
            seen = f"{flask_request.method} {flask_request.path}"
            return FlaskResponse(view.maker(method), headers={"X-Maker": view.maker(method), "X-Seen": seen})

        return function

    if view.is_class:
        made = cast("type[MethodView]", type("View", (MethodView,), _methods_of(view, function_of, guarded=guarded)))
        target.add_url_rule(path, view_func=made.as_view(f"view{view.number}"))
        return
    first = next(iter(view.access))

    def register(function: Any) -> None:
        target.add_url_rule(path, f"view{view.number}", function, methods=list(view.access))

    _register(view, function_of(first), register, guarded=guarded)


# ASGI, Starlette and FastAPI


def _asgi_answer(maker: str, ran: list[str]) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        ran.append(maker)
        await PlainTextResponse(maker, headers={"X-Maker": maker, "X-Seen": _seen(scope)})(scope, receive, send)

    return answer


def _asgi_view(maker: str, request: Request) -> Response:
    return PlainTextResponse(maker, headers={"X-Maker": maker, "X-Seen": _seen(request.scope)})


def _seen(scope: Scope) -> str:
    return f"{scope['method']} {scope.get('root_path', '')}{get_route_path(scope)}"


def _changed(scope: Scope, kind: str) -> Scope:
    """The scope as a layer of that kind changes it."""
    for name, value in scope["headers"]:
        if name == f"x-{kind}".encode():
            if kind == "host":
                others = [pair for pair in scope["headers"] if pair[0] != b"host"]
                return {**scope, "headers": [*others, (b"host", value)]}
            return {**scope, kind: value.decode()}
    return scope


class _ASGILayer:
    def __init__(self, app: ASGIApp, layer: Layer, ran: list[str]) -> None:
        self.app = app
        self._layer = layer
        self._answer = _asgi_answer(f"layer {layer.number}", ran)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._layer.kind in ("serves", "mounts") and FILES in scope["path"]:
            await self._answer(scope, receive, send)
        else:
            await self.app(_changed(scope, self._layer.kind), receive, send)


class _BaseLayer(BaseHTTPMiddleware):
    def __init__(self, app: Any, layer: Layer, ran: list[str]) -> None:
        super().__init__(app)
        self._layer = layer
        self._ran = ran

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        maker = f"layer {self._layer.number}"
        if self._layer.kind in ("serves", "mounts") and FILES in request.scope["path"]:
            self._ran.append(maker)
            return _asgi_view(maker, request)
        request.scope.update(_changed(request.scope, self._layer.kind))
        return await call_next(request)


def _closure(app: ASGIApp, layer: Layer, ran: list[str]) -> ASGIApp:
    made = _ASGILayer(app, layer, ran)

    async def closure(scope: Scope, receive: Receive, send: Send) -> None:
        await made(scope, receive, send)

    return closure


_SHAPES: Final[Mapping[str, Any]] = {"class": _ASGILayer, "closure": _closure, "function": _BaseLayer}


def _middleware(layers: Iterable[Layer], ran: list[str], *, in_group: bool) -> list[Middleware]:
    return [
        Middleware(_SHAPES[layer.shape], layer=layer, ran=ran)
        for layer in reversed(list(layers))
        if layer.in_group is in_group
    ]


def _asgi_client(app: ASGIApp, ran: list[str], run: Run) -> Client:
    def client(asked: Asked) -> Answer:
        ran.clear()
        sent: list[Message] = []
        scope: Scope = {
            "type": "http",
            "method": asked.sent,
            "scheme": "http",
            "server": ("www.test", 80),
            "path": asked.path,
            "raw_path": asked.path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in asked.headers.items()],
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            sent.append(message)

        run(app(scope, receive, send))
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], headers.get("x-maker", ""), body, tuple(ran), headers.get("x-seen", ""))

    return client


def _asgi(world: World, layers: tuple[Layer, ...], ran: list[str], *, guarded: bool) -> Any:
    app = _asgi_answer("program", ran)
    for layer in layers:
        app = _SHAPES["class" if layer.shape == "function" else layer.shape](app, layer, ran)
    return ASGIMiddleware(app, AUTH, public=world.public) if guarded else app


def _route(view: View, ran: list[str], *, guarded: bool) -> BaseRoute:
    def function_of(method: str) -> Any:
        async def function(request: Request) -> Response:
            ran.append(view.maker(method))
            return _asgi_view(view.maker(method), request)

        async def method_of_class(self: object, request: Request) -> Response:
            return await function(request)

        return method_of_class if view.is_class else function

    if view.is_class:
        return Route(view.path, type("View", (HTTPEndpoint,), _methods_of(view, function_of, guarded=guarded)))
    first, made = next(iter(view.access)), list[BaseRoute]()

    def register(function: Any) -> None:
        made.append(Route(view.path, function, methods=list(view.access)))

    _register(view, function_of(first), register, guarded=guarded)
    return made[0]


def _starlette_routes(views: Iterable[View], ran: list[str], *, guarded: bool) -> list[BaseRoute]:
    return [
        Host("admin.test", Router([_route(view, ran, guarded=guarded)]))
        if view.on_host
        else _route(view, ran, guarded=guarded)
        for view in views
    ]


def _starlette(world: World, layers: tuple[Layer, ...], ran: list[str], *, guarded: bool) -> Any:
    grouped = _starlette_routes((view for view in world.views if view.in_group), ran, guarded=guarded)
    others = _starlette_routes((view for view in world.views if not view.in_group), ran, guarded=guarded)
    middleware = _middleware(layers, ran, in_group=True)
    if world.group == "mounted":
        group = Mount(PREFIX, Starlette(routes=grouped, middleware=middleware))
    elif world.group == "router":
        group = Mount(PREFIX, Router(grouped, middleware=middleware))
    else:
        group = Mount(PREFIX, routes=grouped, middleware=middleware)
    app = Starlette(routes=[group, *others], middleware=_middleware(layers, ran, in_group=False))
    return _guarded(world, app, StarletteMiddleware) if guarded else app


def _guarded(world: World, app: Starlette, guard: type[StarletteMiddleware]) -> ASGIApp:
    if world.outside:
        return guard(app, AUTH, public=world.public)
    app.add_middleware(guard, auth=AUTH, public=world.public)
    return app


def _fastapi(world: World, layers: tuple[Layer, ...], ran: list[str], *, guarded: bool) -> Any:
    app = FastAPI(openapi_url=None, middleware=_middleware(layers, ran, in_group=False))
    grouped = [view for view in world.views if view.in_group]
    if world.group == "mounted":
        mounted = FastAPI(openapi_url=None, middleware=_middleware(layers, ran, in_group=True))
        for view in grouped:
            _add_to_fastapi(mounted.router, view, ran, guarded=guarded)
        app.mount(PREFIX, mounted)
    else:
        router = APIRouter()
        for view in grouped:
            _add_to_fastapi(router, view, ran, guarded=guarded)
        app.include_router(router, prefix=PREFIX)
    for view in world.views:
        if not view.in_group:
            _add_to_fastapi(app.router, view, ran, guarded=guarded)
    return _guarded(world, app, FastAPIMiddleware) if guarded else app


def _add_to_fastapi(router: APIRouter, view: View, ran: list[str], *, guarded: bool) -> None:
    if view.is_class or view.on_host:
        route = _route(view, ran, guarded=guarded)
        host = view.on_host and not view.in_group
        router.routes.append(Host("admin.test", Router([route])) if host else route)
        return
    first = next(iter(view.access))

    async def function(request: Request) -> Response:
        ran.append(view.maker(first))
        return _asgi_view(view.maker(first), request)

    function.__annotations__["request"] = Request  # FastAPI before 0.120 or so resolves no text below a decorator

    def register(registered: Any) -> None:
        router.add_api_route(view.path, registered, methods=list(view.access), response_model=None)

    _register(view, function, register, guarded=guarded)


_BUILDERS: Final[Mapping[str, Callable[..., Any]]] = {
    "wsgi": _wsgi,
    "asgi": _asgi,
    "flask": _flask,
    "starlette": _starlette,
    "fastapi": _fastapi,
}

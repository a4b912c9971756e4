"""What `authmw explain` says is what a client would be answered, on every interface, and no view runs for it."""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from io import BytesIO
from itertools import product
from typing import Any, Final, NamedTuple

import pytest

from authmw import (
    Auth,
    ConfigurationError,
    HTTPBearer,
    Principal,
    authenticated,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.engine.routes.doors import Asked
from authmw.engine.routes.explained import explained
from authmw.http.request import Receive, RequestHead, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.adapters.django.site import configure, configured, handler
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi

CALLERS: Final = {
    "nothing": Principal("nothing"),
    "reader": Principal("reader", scopes={"read"}),
    "writer": Principal("writer", scopes={"read", "write", "special"}),
}
RULES: Final[dict[str, Any]] = {
    "needs": {"GET /api/*": "read", "/api/*": "write", "/opened": "read", "/exact": ["read", "write"]},
    "public": ["/docs/*", "/up", "GET /half"],
    "leave": ["/own/*"],
}
REQUESTS: Final = [
    *(f"{method} {path}" for method in ("GET", "POST", "HEAD", "OPTIONS") for path in ("/api/x", "/plain", "/half")),
    *("GET /opened", "GET /free", "GET /optional", "GET /declared/7", "GET /declared/8", "GET /declared/8?x=1"),
    *(
        "GET /api/declared",
        "GET /docs/intro",
        "GET /docs/declared",
        "GET /up",
        "GET /own/x",
        "GET /exact",
        "GET /EXACT",
    ),
    *("GET /any", "GET /api/%64eclared", "DELETE /nowhere/at/all", "GET /"),
]
RAN: Final[list[str]] = []


class Kind(NamedTuple):
    """An application of one interface."""

    app: Any
    ask: Callable[[Case], Answer]
    around: Callable[[], AbstractContextManager[object]] = nullcontext


def auth() -> Auth:
    return Auth(HTTPBearer(CALLERS.get))


def is_lucky(principal: Principal, request: RequestHead) -> bool:
    return str(request.path_params["number"]) == "7" and principal.id != "nothing"


def declared(make: Callable[[], Any]) -> dict[str, Any]:
    """The views by their paths, without a slash at the beginning."""
    return {
        "opened": public(make()),
        "free": public(make()),
        "optional": optionally_authenticated(make()),
        "declared": requires_scopes("read")(requires(is_lucky)(make())),
        "api/declared": requires_scopes("special")(make()),
        "docs/declared": requires_scopes("special")(make()),
        "any": authenticated(make()),
    }


def by_wsgi(**rules: Any) -> Kind:
    def program(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        RAN.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    app = WSGIMiddleware(requires_scopes("read")(program), auth(), **rules)
    return Kind(app, partial(ask_wsgi, app))


def by_asgi(**rules: Any) -> Kind:
    async def program(scope: Scope, receive: Receive, send: Send) -> None:
        RAN.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = ASGIMiddleware(program, auth(), **rules)
    return Kind(app, partial(ask_asgi, app))


def by_flask(**rules: Any) -> Kind:
    from authmw_flask import FlaskAuth
    from flask import Flask

    app = Flask("program", static_folder=None)

    def make() -> Callable[..., str]:
        def view(**_: object) -> str:
            RAN.append("flask")
            return ""

        return view

    for path, each in declared(make).items():
        rule = f"/{path}/<int:number>" if path == "declared" else f"/{path}"
        app.add_url_rule(rule, path.replace("/", "_"), each)
    app.add_url_rule("/<path:path>", "rest", make(), methods=["GET", "POST"])
    FlaskAuth(app, auth(), **rules)
    return Kind(app, partial(ask_wsgi, app))


def starlette_routes() -> list[Any]:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def make() -> Callable[[Request], Any]:
        async def view(request: Request) -> Response:
            RAN.append("starlette")
            return Response("")

        return view

    views = declared(make).items()
    routes = [Route(f"/{path}/{{number}}" if path == "declared" else f"/{path}", each) for path, each in views]
    return [*routes, Route("/{path:path}", make(), methods=["GET", "POST"])]


def by_starlette(**rules: Any) -> Kind:
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette

    app = Starlette(routes=starlette_routes())
    app.add_middleware(AuthMiddleware, auth=auth(), **rules)
    return Kind(app, partial(ask_asgi, app))


def by_outside(**rules: Any) -> Kind:
    """The same, guarded from outside."""
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette

    app = AuthMiddleware(Starlette(routes=starlette_routes()), auth(), **rules)
    return Kind(app, partial(ask_asgi, app))


def by_around(**rules: Any) -> Kind:
    """A Flask application in a plain middleware that lets all pass."""
    app = WSGIMiddleware(by_flask(**rules).app, auth(), default="allow")
    return Kind(app, partial(ask_wsgi, app))


def by_mounted(**rules: Any) -> Kind:
    """An application without rules of its own in front of one that has them."""
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.routing import Mount

    outer = auth()
    inner = Starlette(routes=starlette_routes())
    inner.add_middleware(AuthMiddleware, auth=outer, **rules)
    app = Starlette(routes=[Mount("/", inner)])
    app.add_middleware(AuthMiddleware, auth=outer, default="allow")
    return Kind(app, partial(ask_asgi, app))


def by_fastapi(**rules: Any) -> Kind:
    from authmw_fastapi import FastAPIAuth, Scopes
    from fastapi import APIRouter, FastAPI

    app = FastAPI(docs_url=None, openapi_url=None)
    router = APIRouter(dependencies=[Scopes("read")])

    @router.get("/exact")
    def exact() -> None:
        RAN.append("fastapi")

    app.include_router(router)
    app.router.routes.extend(starlette_routes())
    FastAPIAuth(app, auth(), **rules)
    return Kind(app, partial(ask_asgi, app))


def by_django(kind: str, **rules: Any) -> Kind:
    configure()
    from django.http import HttpRequest, HttpResponse
    from django.urls import path as route

    def make() -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, **_: object) -> HttpResponse:
            RAN.append("django")
            return HttpResponse("")

        return view

    views = declared(make).items()
    urls: list[Any] = [route(f"{path}/<int:number>" if path == "declared" else path, each) for path, each in views]
    urls = [*urls, route("", make()), route("<path:path>", make())]
    given: dict[str, Any] = {"auth": auth(), **rules}
    project: dict[str, Any] = {
        "ROOT_URLCONF": tuple(urls),
        "MIDDLEWARE": ["authmw_django.AuthMiddleware"],
        "AUTHMW": given,
    }
    with configured(**project):
        app = handler(kind)
    return Kind(app, partial(ask_wsgi if kind == "wsgi" else ask_asgi, app), partial(configured, **project))


KINDS: Final[dict[str, Callable[..., Kind]]] = {
    **{"wsgi": by_wsgi, "asgi": by_asgi, "flask": by_flask, "starlette": by_starlette, "mounted": by_mounted},
    **{"outside": by_outside, "around": by_around},
    **{"fastapi": by_fastapi, "django": partial(by_django, "wsgi"), "django-asgi": partial(by_django, "asgi")},
}


def asked_by_client(kind: Kind, request: str, token: str | None) -> tuple[int, str | None]:
    """Status and public code of a real answer."""
    method, _, target = request.partition(" ")
    headers = () if token is None else ((b"Authorization", f"Bearer {token}".encode()),)
    answer = kind.ask(Case("case", Answer(200), headers, target, method))
    is_problem = answer.content_type == "application/problem+json" and answer.body
    return answer.status, json.loads(answer.body)["code"] if is_problem else None


@pytest.mark.parametrize("default", ["deny", "allow"])
@pytest.mark.parametrize("name", KINDS)
def test_what_is_explained_is_what_a_client_is_answered(name: str, default: str) -> None:
    kind = KINDS[name](**RULES, default=default)
    requests = REQUESTS[::4] if "django" in name else REQUESTS  # reading its settings takes long
    with kind.around():
        for request, token in product(requests, (None, *CALLERS)):
            RAN.clear()
            found = explained(kind.app, Asked.parse(request), None if token is None else CALLERS[token])
            assert RAN == [], f"{request} ran a view"
            status, code = asked_by_client(kind, request, token)
            case = f"{request} {token}: {status} {code}, {found}"
            assert found.is_allowed is (status not in (401, 403)), case
            if found.refusal is not None:
                assert found.refusal.status == status, case
                assert code in (None, found.refusal.reason.public_code), case
            else:
                assert all(rule.is_met for rule in found.rules if not rule.needed.predicates), case


SOURCES: Final = {
    "GET /api/x": ["needs pattern 'GET /api/*'"],
    "POST /api/x": ["needs pattern '/api/*'"],
    "GET /docs/intro": ["public pattern '/docs/*'"],
    "GET /own/x": ["leave pattern '/own/*'"],
    "GET /api/declared": ["needs pattern 'GET /api/*'", "the view"],
    "GET /plain": ["default deny"],
}


@pytest.mark.parametrize("request_", SOURCES)
@pytest.mark.parametrize("name", ["flask", "starlette", "fastapi", "django"])
def test_the_rule_is_named(name: str, request_: str) -> None:
    kind = KINDS[name](**RULES)
    with kind.around():
        found = explained(kind.app, Asked.parse(request_), CALLERS["reader"])
    assert [rule.source.partition(" (")[0] for rule in found.rules] == SOURCES[request_]


def test_all_patterns_are_named_that_a_request_with_another_method_in_its_query_needs() -> None:
    public = ["GET /api/x", "DELETE /api/*", "/docs/*"]
    kind = KINDS["asgi"](public=public)
    found = explained(kind.app, Asked.parse("GET /api/x?_method=DELETE"), None)
    assert found.is_allowed
    assert found.rules[0].source == "public patterns 'GET /api/x' and 'DELETE /api/*'"
    assert explained(kind.app, Asked.parse("GET /api/x?_method=PUT"), None).is_allowed is False


@pytest.mark.parametrize("name", [name for name in KINDS if name != "wsgi"])  # that one declares something
def test_the_answer_changes_with_the_rule(name: str) -> None:
    asked, reader = Asked.parse("GET /api/x"), CALLERS["reader"]
    answers: list[tuple[bool | None, str]] = []
    for rules in (
        {"needs": {"/api/*": "write"}},
        {"needs": {"/api/*": "read"}},
        {"public": ["/api/*"]},
        {"leave": ["/api/*"]},
    ):
        kind = KINDS[name](**rules)
        with kind.around():
            found = explained(kind.app, asked, reader)
        answers.append((found.is_allowed, found.rules[-1].source.partition(" ")[0]))
    assert answers == [(False, "needs"), (True, "needs"), (True, "public"), (True, "leave")]


def test_a_view_that_is_decorated_in_another_way_is_explained_in_another_way() -> None:
    from authmw_flask import FlaskAuth
    from flask import Flask

    def answer(*decorators: Any) -> bool | None:
        view: Any = lambda: ""  # noqa: E731
        for each in decorators:
            view = each(view)
        app = Flask("shop", static_folder=None)
        app.add_url_rule("/a", "a", view)
        FlaskAuth(app, auth())
        return explained(app, Asked.parse("GET /a"), CALLERS["reader"]).is_allowed

    assert answer() is True
    assert answer(requires_scopes("write")) is False
    assert answer(requires_scopes("read")) is True
    assert answer(requires(lambda principal, request: False)) is False


def test_a_check_that_raises_leaves_it_open() -> None:
    def asks_the_body(principal: Principal, request: RequestHead) -> bool:
        raise KeyError("session")

    async def program(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    app = ASGIMiddleware(requires(asks_the_body)(program), auth())
    found = explained(app, Asked.parse("GET /a"), CALLERS["reader"])
    assert (found.is_allowed, found.refusal, [rule.is_met for rule in found.rules]) == (None, None, [None])
    assert any("raised KeyError" in note for note in found.notes)
    assert any("asks_the_body() was asked about a request without headers and body" in note for note in found.notes)


def test_what_decides_for_itself_is_said() -> None:
    from authmw_fastapi import FastAPIAuth, Security
    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.routing import Mount

    app = FastAPI()

    another = auth()

    @app.get("/other", dependencies=[Security(another)])
    def view() -> None:
        raise NotImplementedError

    app.router.routes.append(Mount("/in", Response("")))
    FastAPIAuth(app, auth())

    def notes(request: str, application: Any = app) -> str:
        return " ".join(explained(application, Asked.parse(request), CALLERS["reader"]).notes)

    assert "another Auth, which decides for itself" in notes("GET /other")
    assert "another application is mounted there" in notes("GET /in/x")
    assert "no route of the application is known for it" in notes("GET /nowhere")
    unguarded = FastAPI(docs_url=None, openapi_url=None)
    assert "nothing of authmw guards this path" in notes("GET /x", unguarded)
    assert explained(unguarded, Asked.parse("GET /x"), None).is_allowed is None


def test_a_websocket_is_explained() -> None:
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    @requires_scopes("write")
    async def live(websocket: Any) -> None:
        raise NotImplementedError

    app = Starlette(routes=[WebSocketRoute("/live", live)])
    app.add_middleware(AuthMiddleware, auth=auth())
    found = explained(app, Asked.parse("WEBSOCKET /live"), CALLERS["reader"])
    assert found.refusal is not None
    assert (found.is_allowed, found.refusal.missing) == (False, ("write",))
    assert explained(app, Asked.parse("WEBSOCKET /live"), CALLERS["writer"]).is_allowed is True


@pytest.mark.parametrize("text", ["", "/orders", "GET orders", "GET  /a b", "GET /a#b", "GÉT /a"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match='as "GET /orders"'):
        Asked.parse(text)


def test_a_request_that_nobody_sends_is_whole_in_both_interfaces() -> None:
    asked = Asked.parse("post /or%C3%A4nge?page=2", "shop.example:8000")
    environ, scope = asked.environ(), asked.scope()
    assert isinstance(environ.pop("wsgi.input"), BytesIO)
    assert environ == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/or\xc3\xa4nge",
        "QUERY_STRING": "page=2",
        "REQUEST_URI": "/or%C3%A4nge?page=2",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "shop.example:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": None,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": True,
    }
    assert scope == {
        "type": "http",
        "method": "POST",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "path": "/or\u00e4nge",
        "raw_path": b"/or%C3%A4nge",
        "query_string": b"page=2",
        "root_path": "",
        "headers": [(b"host", b"shop.example:8000")],
        "client": ("127.0.0.1", 0),
        "server": ("shop.example", 80),
    }


def test_a_handshake_that_nobody_sends_is_a_websocket() -> None:
    asked = Asked.parse("websocket /live")
    assert asked == Asked("WEBSOCKET", "/live", "", "localhost")
    assert asked.environ()["REQUEST_METHOD"] == "GET"
    assert asked.environ()["REQUEST_URI"] == "/live"
    scope = asked.scope()
    assert (scope["type"], scope["scheme"], scope["subprotocols"], "method" in scope) == ("websocket", "ws", [], False)
    assert scope["query_string"] == b""

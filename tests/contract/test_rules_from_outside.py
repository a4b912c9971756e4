"""Rules from outside, parts that are left alone, and hidden credentials: on every middleware and adapter alike."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import pytest

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    Principal,
    any_of,
    current_principal,
    public,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import Receive, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.adapters.django.site import configure
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi
from tests.contract.django_project import asker

CALLERS: Final = {
    "reader": Principal("reader", scopes={"read"}),
    "writer": Principal("writer", scopes={"read", "write"}),
    "support": Principal("support", scopes={"support"}),
}
NEEDS: Final[dict[str, Any]] = {
    "GET /api/*": "read",
    "/api/*": "write",
    "/admin/*": any_of("admin", "support"),
    "/opened": "read",
}
Ask = Callable[[Case], Answer]


def by_password(name: str, password: str) -> Principal | None:
    """The caller, whose password is the same for all."""
    return CALLERS.get(name) if password == "secret" else None


def make_auth() -> Auth:
    """The same callers, by each way to send a secret."""
    return Auth(
        HTTPBearer(CALLERS.get)
        | HTTPBasic(by_password)
        | APIKeyHeader("X-API-Key", CALLERS.get)
        | APIKeyQuery("key", CALLERS.get)
        | APIKeyCookie("session", CALLERS.get)
    )


def seen_in_environ(environ: dict[str, Any]) -> bytes:
    """What a WSGI program sees of the caller and of the credentials."""
    names = ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_COOKIE", "QUERY_STRING", "REMOTE_USER", "REQUEST_URI")
    seen = {name: environ[name] for name in names if environ.get(name)}
    principal: Principal = environ["authmw.principal"]
    return json.dumps({**seen, "id": principal.id, "current": current_principal().id}).encode()


def seen_in_scope(scope: Scope) -> bytes:
    """The same, of an ASGI program."""
    names = {b"authorization": "HTTP_AUTHORIZATION", b"x-api-key": "HTTP_X_API_KEY", b"cookie": "HTTP_COOKIE"}
    seen = {names[name]: value.decode() for name, value in scope["headers"] if name in names}
    if scope["query_string"]:
        seen["QUERY_STRING"] = scope["query_string"].decode()
    principal: Principal = scope["authmw.principal"]
    return json.dumps({**seen, "id": principal.id, "current": current_principal().id}).encode()


def wsgi_program(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A program that answers each path."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [seen_in_environ(environ)]


async def asgi_program(scope: Scope, receive: Receive, send: Send) -> None:
    """A program that answers each path."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": seen_in_scope(scope)})


def by_wsgi(**rules: Any) -> Ask:
    """The plain middleware."""
    app = WSGIMiddleware(wsgi_program, make_auth(), **rules)
    return partial(ask_wsgi, app)


def by_asgi(**rules: Any) -> Ask:
    """The plain middleware."""
    app = ASGIMiddleware(asgi_program, make_auth(), **rules)
    return partial(ask_asgi, app)


def by_flask(**rules: Any) -> Ask:
    """A Flask application whose views declare nothing, but two."""
    from authmw_flask import FlaskAuth
    from flask import Flask, Response, request

    app = Flask("program", static_folder=None)

    def program(path: str) -> Response:
        return Response(seen_in_environ(request.environ), content_type="application/json")

    methods = ["GET", "POST", "OPTIONS"]
    app.add_url_rule("/<path:path>", "program", program, methods=methods, provide_automatic_options=False)
    app.add_url_rule("/opened", "opened", public(lambda: program("")))
    app.add_url_rule("/free", "free", public(lambda: program("")))
    app.add_url_rule("/api/declared", "declared", requires_scopes("special")(lambda: program("")))
    FlaskAuth(app, make_auth(), **rules)
    return partial(ask_wsgi, app)


def starlette_routes() -> Any:
    """Routes whose endpoints declare nothing, but two."""
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def program(request: Request) -> Response:
        return Response(seen_in_scope(request.scope), media_type="application/json")

    @public
    def opened(request: Request) -> Response:
        return program(request)

    @requires_scopes("special")
    def declared(request: Request) -> Response:
        return program(request)

    return [
        Route("/opened", opened),
        Route("/free", opened),
        Route("/api/declared", declared),
        Route("/{path:path}", program, methods=["GET", "POST", "OPTIONS"]),
    ]


def by_starlette(**rules: Any) -> Ask:
    """A Starlette application."""
    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette

    app = Starlette(routes=starlette_routes())
    app.add_middleware(AuthMiddleware, auth=make_auth(), **rules)
    return partial(ask_asgi, app)


def by_fastapi(**rules: Any) -> Ask:
    """A FastAPI application."""
    from authmw_fastapi import FastAPIAuth
    from fastapi import FastAPI

    app = FastAPI(docs_url=None, openapi_url=None, routes=starlette_routes())
    FastAPIAuth(app, make_auth(), **rules)
    return partial(ask_asgi, app)


def by_django(kind: str, **rules: Any) -> Ask:
    """A Django project."""
    configure()
    from django.http import HttpRequest, HttpResponse
    from django.urls import path as route

    def program(request: HttpRequest, path: str = "") -> HttpResponse:
        return HttpResponse(seen_in_environ(request.META), content_type="application/json")

    @public
    def opened(request: HttpRequest) -> HttpResponse:
        return program(request)

    @requires_scopes("special")
    def declared(request: HttpRequest) -> HttpResponse:
        return program(request)

    urls = [route("opened", opened), route("free", opened), route("api/declared", declared)]
    return asker(kind, {"auth": make_auth(), **rules}, (*urls, route("", program), route("<path:path>", program)))


by_django_wsgi, by_django_asgi = partial(by_django, "wsgi"), partial(by_django, "asgi")
WITH_ENVIRON: Final = (by_wsgi, by_flask, by_django_wsgi)

PLAIN: Final = {"wsgi": by_wsgi, "asgi": by_asgi}
ROUTED: Final = {
    **{"flask": by_flask, "starlette": by_starlette, "fastapi": by_fastapi},
    **{"django": by_django_wsgi, "django-asgi": by_django_asgi},
}
on_each = pytest.mark.parametrize("make", [*PLAIN.values(), *ROUTED.values()], ids=[*PLAIN, *ROUTED])
on_routed = pytest.mark.parametrize("make", ROUTED.values(), ids=[*ROUTED])


def case(target: str, *headers: tuple[str, str], method: str = "GET") -> Case:
    """A request."""
    pairs = tuple((name.encode(), value.encode()) for name, value in headers)
    return Case(target, Answer(0, (), b""), pairs, target=target, method=method)


def bearer(name: str) -> tuple[str, str]:
    """The header of a caller."""
    return "Authorization", f"Bearer {name}"


def seen(answer: Answer) -> dict[str, str]:
    """What the program said it saw."""
    assert answer.status == 200, answer
    found: dict[str, str] = json.loads(answer.body)
    return found


PREFLIGHT: Final = (("Origin", "https://a.example"), ("Access-Control-Request-Method", "POST"))


@on_each
def test_rules_decide_who_may_do_what(make: Callable[..., Ask]) -> None:
    ask = make(needs=NEEDS, public=["/api/health"])
    expected: dict[tuple[str, str, str], int] = {
        ("GET", "/api/x", ""): 401,
        ("GET", "/api/x", "reader"): 200,
        ("HEAD", "/api/x", "reader"): 200,
        ("POST", "/api/x", "reader"): 403,
        ("POST", "/api/x", "writer"): 200,
        ("GET", "/API/x", "support"): 403,
        ("GET", "/x/../api/x", "support"): 403,
        ("GET", "/%61pi/x", "support"): 403,
        ("GET", "/admin/x", "reader"): 403,
        ("GET", "/admin/x", "support"): 200,
        ("GET", "/elsewhere", "support"): 200,
        ("GET", "/elsewhere", ""): 401,
        ("GET", "/api/health", ""): 200,
        ("GET", "/api/health", "support"): 200,  # what strangers may, callers may
        ("GET", "/api//health", ""): 401,
        ("GET", "/api/x", "garbage"): 401,
    }
    found = {key: ask(case(key[1], *([bearer(key[2])] if key[2] else []), method=key[0])).status for key in expected}
    assert found == expected


@on_each
def test_refusals_name_the_scopes_of_the_rule(make: Callable[..., Ask]) -> None:
    ask = make(needs=NEEDS)
    assert 'Bearer realm="app", scope="write"' in ask(case("/api/x", method="POST")).challenges
    refused = ask(case("/api/x", bearer("reader"), method="POST"))
    assert refused.challenges == ('Bearer realm="app", error="insufficient_scope", scope="write"',)
    assert b"authmw.scope-missing" in refused.body
    assert 'Bearer realm="app", scope="admin support"' in ask(case("/admin/x")).challenges


@on_each
def test_a_token_that_is_remembered_meets_the_rules_too(make: Callable[..., Ask]) -> None:
    ask = make(needs=NEEDS)
    for _ in range(3):
        assert ask(case("/api/x", bearer("reader"))).status == 200
        assert ask(case("/api/x", bearer("reader"), method="POST")).status == 403


@on_each
def test_a_preflight_is_answered_in_front_of_the_rules(make: Callable[..., Ask]) -> None:
    answer = make(needs=NEEDS)(case("/api/x", *PREFLIGHT, method="OPTIONS"))
    assert (answer.status, answer.body) == (204, b"")


@on_each
def test_with_default_allow_only_the_rules_need_a_caller(make: Callable[..., Ask]) -> None:
    ask = make(needs=NEEDS, default="allow")
    statuses = [ask(case(path)).status for path in ("/elsewhere", "/api/x", "/API/x", "//api/x")]
    assert statuses == [200, 401, 401, 401]


@on_routed
def test_rules_add_to_what_views_declare(make: Callable[..., Ask]) -> None:
    ask = make(needs=NEEDS)
    assert ask(case("/api/declared", bearer("support"))).status == 403  # by the rule
    assert b"special" in ask(case("/api/declared", bearer("reader"))).challenges[0].encode()  # by the view
    assert 'scope="special read"' in str(ask(case("/api/declared")).challenges)
    # A view that is declared public is closed by a rule that names it, and no other.
    assert [ask(case(path)).status for path in ("/opened", "/free")] == [401, 200]
    assert ask(case("/opened", bearer("reader"))).status == 200


@on_each
def test_a_part_that_is_left_alone_gets_the_request_as_it_is(make: Callable[..., Ask]) -> None:
    ask = make(leave=["/own/*"], needs={"/*": "read"}, hide_credentials=True)
    headers = (bearer("reader"), ("X-API-Key", "garbage"), ("Cookie", "session=garbage; a=b"))
    found = seen(ask(case("/own/x?key=1", *headers, ("Remote-User", "root"))))
    assert found == {
        "HTTP_AUTHORIZATION": "Bearer reader",
        "HTTP_X_API_KEY": "garbage",
        "HTTP_COOKIE": "session=garbage; a=b",
        "QUERY_STRING": "key=1",
        **({"REQUEST_URI": "/own/x?key=1"} if "REQUEST_URI" in found else {}),
        "id": "",
        "current": "",
    }
    answer = ask(case("/own/x", ("Authorization", "Bearer garbage")))
    assert (answer.status, answer.vary) == (200, "")


@on_each
def test_no_other_spelling_of_a_path_is_left_alone(make: Callable[..., Ask]) -> None:
    ask = make(leave=["/own/*"])
    targets = ("/own", "/OWN/x", "/own//x", "//own/x", "/x/../own/x", "/%6fwn/x", "/own/../api", "/own/%2e%2e/api")
    assert {target: ask(case(target)).status for target in targets} == dict.fromkeys(targets, 401)
    assert ask(case("/own/x", method="POST")).status == 200
    only_get = make(leave=["GET /own/*"])
    assert [only_get(case("/own/x", method=each)).status for each in ("GET", "HEAD", "POST")] == [200, 200, 401]


def test_remote_user_stays_as_the_server_set_it_where_a_part_is_left_alone() -> None:
    app = WSGIMiddleware(wsgi_program, make_auth(), leave=["/own/*"], public=["/open/*"])
    for path, remote_user in (("/own/x", "kerberos"), ("/open/x", None)):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "REMOTE_USER": "kerberos",
            "AUTH_TYPE": "Negotiate",
            "HTTP_REMOTE_USER": "forged",
        }
        body = b"".join(app(environ, lambda *_: lambda _: None))
        assert json.loads(body).get("REMOTE_USER") == remote_user
        assert environ.get("AUTH_TYPE") == (remote_user and "Negotiate")


def test_the_caller_of_a_guard_further_out_is_nobody_where_the_inner_guard_leaves_a_part_alone() -> None:
    inner = WSGIMiddleware(wsgi_program, make_auth(), leave=["/own/*"])
    outer = WSGIMiddleware(inner, make_auth())
    assert seen(ask_wsgi(outer, case("/own/x", bearer("reader"))))["current"] == ""


@on_routed
def test_a_view_that_needs_a_caller_refuses_where_nobody_is_authenticated(make: Callable[..., Ask]) -> None:
    ask = make(leave=["/api/*"])
    assert ask(case("/api/declared", bearer("writer"))).status == 401


SECRETS: Final[dict[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "bearer": ("/x?a=1", (bearer("reader"), ("Cookie", "a=b"))),
    "basic": ("/x?a=1", (("Authorization", "Basic " + b64encode(b"reader:secret").decode()), ("Cookie", "a=b"))),
    "key in a header": ("/x?a=1", (("X-API-Key", "reader"), ("Cookie", "a=b"))),
    "key in the query": ("/x?key=reader&a=1", (("Cookie", "a=b"),)),
    "key in the query, escaped": ("/x?k%65y=reader&a=1", (("Cookie", "a=b"),)),
    "key in a cookie": ("/x?a=1", (("Cookie", "session=reader; a=b"),)),
    "key in a cookie, first": ("/x?a=1", (("Cookie", "a=b; session=reader"),)),
}


@on_each
@pytest.mark.parametrize("secret", SECRETS)
def test_hidden_credentials_do_not_reach_the_program(make: Callable[..., Ask], secret: str) -> None:
    target, headers = SECRETS[secret]
    found = seen(make(hide_credentials=True)(case(target, *headers)))
    assert found.pop("REQUEST_URI", "/x?a=1") == "/x?a=1"
    found.pop("REMOTE_USER", None)
    assert found == {"HTTP_COOKIE": "a=b", "QUERY_STRING": "a=1", "id": "reader", "current": "reader"}
    shown = str(seen(make()(case(target, *headers))))
    assert shown.count("reader") > 2 or "Basic " in shown  # without the option the program sees it


@on_each
def test_a_public_path_does_not_show_credentials_either(make: Callable[..., Ask]) -> None:
    ask = make(public=["/health"], hide_credentials=True)
    assert seen(ask(case("/health", bearer("reader"), ("Cookie", "session=reader")))) == {
        **({"REMOTE_USER": "reader"} if make in (*WITH_ENVIRON, by_django_asgi) else {}),
        **({"REQUEST_URI": "/health"} if make in WITH_ENVIRON else {}),
        "id": "reader",
        "current": "reader",
    }


@on_each
@pytest.mark.parametrize(
    "rules, said",
    [
        ({"needs": {"/health": "x"}, "public": ["/health"]}, "never applies, since public has '/health'"),
        ({"needs": {"GET /a/b/*": "x"}, "public": ["/a/*"]}, "never applies, since public has '/a/*'"),
        ({"needs": {"/a/b": "x"}, "leave": ["/a/*"]}, "never applies, since leave has '/a/*'"),
        ({"public": ["/a"], "leave": ["/a"]}, "'/a' is in public and in leave"),
        ({"leave": ["a"]}, "leave pattern 'a': a path begins with a slash: write /a"),
        ({"leave": [1], "public": [2], "needs": {3: "x"}}, "leave holds paths, not 1"),
    ],
)
def test_contradictions_are_refused_when_the_application_is_made(
    make: Callable[..., Ask], rules: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make(**rules)(case("/x"))
    assert said in str(raised.value)


def test_a_pattern_may_be_public_for_one_method_and_need_something_for_others() -> None:
    ask = by_wsgi(needs={"/files/*": "write"}, public=["GET /files/*"])
    assert [ask(case("/files/x", method=each)).status for each in ("GET", "POST")] == [200, 401]

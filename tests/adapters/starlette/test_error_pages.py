"""Exception handlers of Starlette and FastAPI make the page of a refused navigation, and of nothing else."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from authmw_fastapi import FastAPIAuth
from authmw_starlette import AuthMiddleware
from fastapi import FastAPI
from fastapi import HTTPException as FastAPIHTTPException
from fastapi.exception_handlers import http_exception_handler
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from authmw import AccessRefused, APIKeyCookie, Auth, HTTPBearer, current_principal, requires_scopes
from authmw.engine.refusal_pages import RefusalPages
from tests.adapters.flask.shop import PEOPLE

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", **BROWSER}
VARY = "Cookie, Authorization, Sec-Fetch-Mode, Sec-Fetch-Dest, Accept"
REFUSED = [("/any", "", 401), ("/nothing", "", 401), ("/scoped", "reader", 403), ("/deep", "reader", 403)]

Handlers = dict[Any, Any]


async def serve(request: Request) -> Response:
    """Any view."""
    return PlainTextResponse("served")


async def deep(request: Request) -> Response:
    """A view that asks later."""
    current_principal().require("orders:write")
    return PlainTextResponse("served")


@requires_scopes("orders:write")
async def scoped(request: Request) -> Response:
    """A view with a declaration."""
    return PlainTextResponse("served")


def shop_auth(**settings: Any) -> Auth:
    """A cookie or a token is the name of who holds it."""
    return Auth(APIKeyCookie("key", PEOPLE.get) | HTTPBearer(PEOPLE.get), **settings)


def make_starlette(handlers: Handlers | None = None, **settings: Any) -> Any:
    """Starlette's own way."""
    routes = [Route("/any", serve), Route("/scoped", scoped), Route("/deep", deep)]
    app = Starlette(routes=routes, exception_handlers=handlers or {})
    app.add_middleware(AuthMiddleware, auth=shop_auth(**settings))
    return app


def make_outside(handlers: Handlers | None = None, **settings: Any) -> Any:
    """With the middleware around the application."""
    routes = [Route("/any", serve), Route("/scoped", scoped), Route("/deep", deep)]
    return AuthMiddleware(Starlette(routes=routes, exception_handlers=handlers or {}), auth=shop_auth(**settings))


def make_fastapi(handlers: Handlers | None = None, **settings: Any) -> Any:
    """FastAPI with its extension."""
    app = FastAPI(exception_handlers=handlers or {}, docs_url=None, openapi_url=None)
    app.get("/any")(serve)
    app.get("/scoped")(scoped)
    app.get("/deep")(deep)
    FastAPIAuth(app, shop_auth(**settings))
    return app


EVERY = pytest.mark.parametrize("make", [make_starlette, make_outside, make_fastapi])


async def page(request: Request, error: HTTPException) -> Response:
    """A page with the status that the handler was asked about."""
    return HTMLResponse(f"<h1>{error.status_code}</h1> {request.user.id}", error.status_code)


def page_on_a_thread(request: Request, error: HTTPException) -> Response:
    """The same, not async."""
    return HTMLResponse(f"<h1>{error.status_code}</h1> {request.user.id}", error.status_code)


async def page_of_refusal(request: Request, error: AccessRefused) -> Response:
    """The same, by the refusal."""
    return HTMLResponse(f"<h1>{error.refusal.status}</h1> {request.user.id}", error.refusal.status)


REGISTERED: dict[str, Handlers] = {
    "by status": {401: page, 403: page},
    "by class": {HTTPException: page},
    "by the class of FastAPI": {FastAPIHTTPException: page},
    "on a thread": {401: page_on_a_thread, 403: page_on_a_thread},
}


def ask(app: Any, path: str, who: str = "", headers: dict[str, str] = BROWSER, method: str = "GET") -> Any:
    """One request with the cookie of `who`."""
    cookie = {"Cookie": f"key={who}"} if who else {}
    return TestClient(app, follow_redirects=False).request(method, path, headers={**headers, **cookie})


def wire(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything that the client gets."""
    return answer.status_code, answer.headers.multi_items(), answer.content


@pytest.mark.parametrize(
    "make, registered",
    [
        (make, registered)
        for make in (make_starlette, make_outside, make_fastapi)
        for registered in REGISTERED
        if make is make_fastapi or "FastAPI" not in registered
    ],
)
def test_a_handler_makes_the_page_of_a_navigation(make: Any, registered: str) -> None:
    app, plain = make(REGISTERED[registered]), make()
    for path, who, status in REFUSED:
        answer, refused = ask(app, path, who), ask(plain, path, who)
        assert (answer.status_code, answer.text) == (status, f"<h1>{status}</h1> {who}")
        assert answer.headers.get_list("www-authenticate") == refused.headers.get_list("www-authenticate")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["vary"].startswith(VARY)
        assert answer.headers["content-length"] == str(len(answer.content))


@EVERY
@pytest.mark.parametrize("registered", ["by status", "by class"])
@pytest.mark.parametrize("headers", [FETCH, {}, {**BROWSER, "Authorization": "Bearer x"}])
def test_nothing_else_is_changed_by_it(make: Any, registered: str, headers: dict[str, str]) -> None:
    app, plain = make(REGISTERED[registered]), make()
    for path, who, _ in REFUSED:
        assert wire(ask(app, path, who, headers)) == wire(ask(plain, path, who, headers))
    assert wire(ask(app, "/any", "", BROWSER, "POST")) == wire(ask(plain, "/any", "", BROWSER, "POST"))


@EVERY
def test_a_handler_for_refusals_answers_navigations_in_front_too(make: Any) -> None:
    app = make({AccessRefused: page_of_refusal})
    for path, who, status in REFUSED:
        assert ask(app, path, who).text == f"<h1>{status}</h1> {who}"
    assert ask(app, "/any", "", FETCH).headers["content-type"] == "application/problem+json"


@EVERY
def test_a_handler_may_send_the_caller_elsewhere(make: Any) -> None:
    async def log_in(request: Request, error: HTTPException) -> Response:
        response = RedirectResponse("/log-in?from=any", 302)
        response.set_cookie("asked", "any")
        return response

    answer = ask(make({401: log_in}), "/any", "gone")
    assert (answer.status_code, answer.headers["location"]) == (302, "/log-in?from=any")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["set-cookie"].startswith("asked=any")


async def _ok(request: Request, error: HTTPException) -> Response:
    return PlainTextResponse("welcome")


async def _not_modified(request: Request, error: HTTPException) -> Response:
    return Response(status_code=304)


async def _nowhere(request: Request, error: HTTPException) -> Response:
    return Response(status_code=303)


async def _nothing(request: Request, error: HTTPException) -> Any:
    return None


async def _raises(request: Request, error: HTTPException) -> Response:
    raise LookupError("s3cret")


async def _session(request: Request, error: HTTPException) -> Response:
    return PlainTextResponse(str(request.session), 401)


@EVERY
@pytest.mark.parametrize("handler", [_ok, _not_modified, _nowhere, _nothing, _raises, _session])
def test_anything_else_is_replaced_by_the_refusal_and_logged_once(
    make: Any, handler: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from authmw_starlette import error_pages

    plain = make()
    for path, who, status in REFUSED:
        monkeypatch.setattr(error_pages, "pages", RefusalPages())
        app = make({401: handler, 403: handler})
        caplog.clear()
        with caplog.at_level(logging.ERROR, "authmw"):
            answers = [wire(ask(app, path, who)) for _ in range(3)]
        assert answers == [wire(ask(plain, path, who))] * 3
        (record,) = [record.getMessage() for record in caplog.records if record.name == "authmw"]
        assert f"{handler.__name__}, asked about a {status}" in record
        assert "s3cret" not in record


def test_the_handlers_of_the_frameworks_themselves_make_no_page() -> None:
    app = make_fastapi({HTTPException: http_exception_handler})
    assert wire(ask(app, "/any")) == wire(ask(make_fastapi(), "/any"))


def test_the_innermost_application_has_its_own_handlers() -> None:
    async def inner_page(request: Request, error: HTTPException) -> Response:
        return HTMLResponse("inner", error.status_code)

    of_inner: Handlers = {403: inner_page}
    inner = Starlette(routes=[Route("/scoped", scoped)], exception_handlers=of_inner)
    routes = [Mount("/in", inner), Route("/scoped", scoped)]
    app = Starlette(routes=routes, exception_handlers=REGISTERED["by status"])
    app.add_middleware(AuthMiddleware, auth=shop_auth())
    assert ask(app, "/in/scoped", "reader").text == "inner"
    assert ask(app, "/scoped", "reader").text.startswith("<h1>403")


def test_a_file_is_a_page_too() -> None:
    async def file(request: Request, error: HTTPException) -> Response:
        return FileResponse(__file__, error.status_code)

    answer = ask(make_starlette({401: file}), "/any")
    assert answer.text.startswith('"""Exception handlers of Starlette')
    assert "etag" not in answer.headers


def test_the_login_page_goes_first() -> None:
    app = make_starlette({401: page, 403: page}, login="/login")
    assert ask(app, "/any").headers["location"] == "/login?next=/any"
    assert ask(app, "/scoped", "reader").text.startswith("<h1>403")

"""Public paths where the router is known: the adapters leave open what only other routers read as another path."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw import Auth, HTTPBearer


def _nobody(token: str) -> None:
    return None


AUTH = Auth(HTTPBearer(_nobody))
PUBLIC = ["/static/*", "/files/*", "/elsewhere/*"]
FILES = ("api.js", "Price list.pdf", "über.pdf", "[id].js")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_text(name)
    return tmp_path


def _mounted_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"mounted"]


async def _mounted_asgi(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("mounted")(scope, receive, send)


def _file(name: str) -> str:
    return "a file"


def _flask(folder: Path) -> Any:
    app = Flask("shop", static_folder=folder, static_url_path="/static")
    app.url_map.strict_slashes = False
    app.add_url_rule("/files", "listing", lambda: "all files")
    app.add_url_rule("/files/<path:name>", "file", _file)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/elsewhere": _mounted_wsgi})  # type: ignore[method-assign]
    FlaskAuth(app, AUTH, public=PUBLIC)
    client = app.test_client()

    def ask(path: str, root: str = "", **headers: str) -> tuple[int, str]:
        response = client.get(quote(path), base_url=f"http://localhost{root}", headers=headers, buffered=True)
        return response.status_code, response.text

    return ask


def _routes(folder: Path) -> list[Any]:
    async def listing(request: Any) -> PlainTextResponse:
        return PlainTextResponse("all files")

    async def file(request: Any) -> PlainTextResponse:
        return PlainTextResponse("a file")

    return [
        Route("/files", listing),
        Route("/files/{name:path}", file),
        Mount("/static", StaticFiles(directory=folder)),
        Mount("/elsewhere", _mounted_asgi),
    ]


def _asked_by(app: Any) -> Any:
    def ask(path: str, root: str = "", **headers: str) -> tuple[int, str]:
        response = TestClient(app, root_path=root).get(root + path, headers=headers, follow_redirects=False)
        return response.status_code, response.text

    return ask


def _starlette(folder: Path) -> Any:
    app = Starlette(routes=_routes(folder))
    app.add_middleware(AuthMiddleware, auth=AUTH, public=PUBLIC)
    return _asked_by(app)


def _starlette_from_outside(folder: Path) -> Any:
    return _asked_by(AuthMiddleware(Starlette(routes=_routes(folder)), AUTH, public=PUBLIC))


def _fastapi(folder: Path) -> Any:
    app = FastAPI(routes=_routes(folder))
    FastAPIAuth(app, AUTH, public=PUBLIC)
    return _asked_by(app)


every_adapter = pytest.mark.parametrize("make", [_flask, _starlette, _starlette_from_outside, _fastapi])


@every_adapter
def test_files_are_public_by_their_names_under_every_prefix(make: Any, folder: Path) -> None:
    ask = make(folder)
    for root in ("", "/api", "/static"):
        assert [ask(f"/static/{name}", root) for name in FILES] == [(200, name) for name in FILES]
    assert ask("/static/api.js", **{"X-Forwarded-Prefix": "/api"}) == (200, "api.js")


@every_adapter
def test_the_slash_at_the_end_of_a_prefix_opens_no_view_that_has_none(make: Any, folder: Path) -> None:
    ask = make(folder)
    assert ask("/files/a") == (200, "a file")
    assert ask("/files")[0] == 401
    assert "all files" not in ask("/files/")[1]


@every_adapter
def test_an_application_that_is_mounted_may_have_another_router(make: Any, folder: Path) -> None:
    ask = make(folder)
    assert ask("/elsewhere/a", "/api") == (200, "mounted")
    assert ask("/elsewhere/api/a", "/api")[0] == 401
    assert ask("/elsewhere/")[0] == 401
    assert ask("/elsewhere/x/a", **{"X-Forwarded-Prefix": "/x"})[0] == 401


def test_an_application_of_another_framework_is_guarded_as_by_the_plain_middleware() -> None:
    ask = _asked_by(AuthMiddleware(_mounted_asgi, AUTH, public=PUBLIC))
    assert ask("/files/a", "/api") == (200, "mounted")
    assert ask("/files/api/a", "/api")[0] == 401

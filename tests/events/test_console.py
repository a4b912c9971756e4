"""Why a request was refused appears on a terminal: by itself in debug mode, else after one line of the program."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping

import pytest

pytestmark = pytest.mark.slow

WSGI = """
from authmw import Auth, HTTPBearer, Principal, log_to_console
from authmw.wsgi import AuthMiddleware
import logging

def ask(app, path="/orders"):
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "x", "SERVER_PORT": "80",
               "REMOTE_ADDR": "::1", "wsgi.url_scheme": "http", "HTTP_AUTHORIZATION": "Bearer s3cret"}
    list(app(environ, lambda *_: None))

auth = Auth(HTTPBearer(lambda token: None))
"""
FLASK = (
    WSGI
    + """
from flask import Flask
from authmw_flask import FlaskAuth, requires_scopes
app = Flask("shop")
app.debug = True
FlaskAuth(app, auth)
"""
)
PLAIN = WSGI + "app = AuthMiddleware(lambda environ, start: [], auth)\n"

ASGI = """
import asyncio
from authmw import Auth, HTTPBearer
auth = Auth(HTTPBearer(lambda token: None))

def ask(app):
    scope = {"type": "http", "method": "GET", "path": "/orders", "raw_path": b"/orders", "query_string": b"",
             "headers": [(b"authorization", b"Bearer s3cret")], "root_path": "", "client": ("::1", 1)}
    async def send(message): ...
    asyncio.run(app(scope, None, send))
"""
STARLETTE = (
    ASGI
    + """
from starlette.applications import Starlette
from authmw_starlette import AuthMiddleware
app = Starlette(debug=True)
app.add_middleware(AuthMiddleware, auth=auth)
"""
)
FASTAPI = (
    ASGI
    + """
from fastapi import FastAPI
from authmw_fastapi import FastAPIAuth
app = FastAPI(debug=True)
FastAPIAuth(app, auth)
"""
)
DJANGO = """
import django
from django.conf import settings
from authmw import Auth, HTTPBearer
settings.configure(DEBUG=True, SECRET_KEY="x" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__",
    MIDDLEWARE=["authmw_django.AuthMiddleware"], INSTALLED_APPS=["authmw_django"],
    AUTHMW={"auth": Auth(HTTPBearer(lambda token: None))})
urlpatterns = []
django.setup()
from django.test import Client
app = None
ask = lambda _: Client().get("/orders", headers={"Authorization": "Bearer s3cret"})
"""
LINE = "authmw refused GET /orders: 401 authmw.token-unknown"


def on_terminal(code: str, *options: str, env: Mapping[str, str] | None = None, terminal: bool = True) -> list[str]:
    """The lines that the program `code` writes to a standard error that is a terminal."""
    mine, its = pty.openpty()
    try:
        command = [sys.executable, *options, "-W", "ignore", "-c", code]
        run = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            stderr=its if terminal else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
        os.close(its)
        text = _all_of(mine) if terminal else run.stderr.decode()
    finally:
        os.close(mine)
    assert run.returncode == 0, text
    return text.splitlines()


def _all_of(terminal: int) -> str:
    parts = b""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            return parts.decode()
        if not part:
            return parts.decode()
        parts += part


@pytest.mark.parametrize(
    "program", [FLASK, STARLETTE, FASTAPI, DJANGO], ids=["flask", "starlette", "fastapi", "django"]
)
def test_in_debug_mode_on_a_terminal_a_refusal_appears_by_itself(program: str) -> None:
    lines = on_terminal(program + "ask(app)")
    (line,) = (line for line in lines if "authmw" in line)
    assert line.startswith(LINE)
    assert "s3cret" not in "".join(lines)


def test_a_missing_scope_inside_of_a_view_is_named() -> None:
    view = """
@app.get("/orders")
@requires_scopes("orders:write")
def orders(): ...
"""
    program = FLASK.replace("lambda token: None", "lambda token: Principal('alice')") + view + "ask(app)"
    (line,) = on_terminal(program)
    assert line.startswith(
        "authmw refused GET /orders: 403 authmw.scope-missing, missing orders:write (principal alice"
    )


def test_plain_middleware_knows_the_development_mode_of_python() -> None:
    assert on_terminal(PLAIN + "ask(app)") == []
    (line,) = on_terminal(PLAIN + "ask(app)", "-X", "dev")
    assert line.startswith(LINE)


QUIET = [
    "app.debug = False; ask(app)",
    "logging.getLogger('authmw').setLevel(logging.ERROR); ask(app)",
    "logging.getLogger('authmw').addHandler(logging.NullHandler()); ask(app)",
    "logging.basicConfig(); ask(app)",
]


@pytest.mark.parametrize("then", QUIET)
def test_where_nobody_debugs_or_the_program_decided_otherwise_nothing_appears(then: str) -> None:
    assert on_terminal(FLASK + then) == []


def test_nothing_appears_in_production_or_away_from_a_terminal() -> None:
    assert on_terminal(FLASK + "ask(app)", env={"AUTHMW_ENV": "production"}) == []
    assert on_terminal(FLASK + "ask(app)", terminal=False) == []


def test_a_login_that_fails_appears_too() -> None:
    service = """
from authmw.oauth2 import TokenService
from authmw.stores import MemoryStores
from authmw_flask import token_blueprint
service = TokenService(issuer="http://localhost/auth", audience="a", stores=MemoryStores(), password=True)
app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
login = {"grant_type": "password", "username": "alice", "password": "hunter2", "client_id": "first-party"}
app.test_client().post("/auth/token", data=login)
"""
    (line,) = on_terminal(FLASK + service)
    assert line.startswith("authmw refused token: 400 invalid_grant, authmw.user-unknown")
    assert "hunter2" not in line


ONCE = [
    "logging.basicConfig(level=logging.INFO); ask(app)",
    "log_to_console(); ask(app)",
    "log_to_console(); log_to_console(); app.debug = False; ask(app)",
    "log_to_console(); logging.basicConfig(level=logging.INFO); ask(app)",
    "logging.basicConfig(); log_to_console(); app.debug = False; ask(app)",
    "logging.getLogger('authmw').setLevel(logging.INFO); ask(app)",
]


@pytest.mark.parametrize("then", ONCE)
def test_a_refusal_appears_once_however_logging_is_configured(then: str) -> None:
    (line,) = on_terminal(FLASK + then)
    assert "authmw.token-unknown" in line


def test_logging_that_is_configured_after_the_first_refusal_takes_over() -> None:
    first, second = on_terminal(FLASK + "ask(app); logging.basicConfig(level=logging.INFO); ask(app)")
    assert first.startswith("authmw refused GET /orders: ")
    assert second.startswith("INFO:authmw.audit:authmw refused code=authmw.token-unknown ")


def test_class_36_no_path_makes_a_second_line_or_moves_the_cursor() -> None:
    (line,) = on_terminal(FLASK + r"ask(app, '/a\r\nauthmw refused GET /b: 403 \x1b[2J')")
    assert line.startswith(r"authmw refused GET /a\r\nauthmw refused GET /b: 403 \x1b[2J: 401 authmw.")

"""Paths that authmw itself answers, or where it ignores a credential: read in one canonical way, as public ones."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import pytest
from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount

from authmw import Auth, HTTPBearer
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.http.request import ASGIRequest, Message, RequestHead, WSGIRequest
from authmw.http.target import path_of
from authmw.issuers import ProtectedResource
from authmw.oauth2 import AuthorizationServerMetadata, TokenCookie, TokenService
from authmw.stores import MemoryStores
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.frameworks.clients import exchange, scope_of

SERVICE: Final = TokenService(issuer="https://shop.example/auth", audience="orders", stores=MemoryStores())
RESOURCE: Final = ProtectedResource("https://shop.example/mcp", ["https://id.example"])

CLIENT: Final = "Basic c3RyYW5nZXI6czNjcmV0"
"""The credentials of a client, which are no user's."""


def _nobody(token: str) -> None:
    return None


AUTH: Final = Auth(HTTPBearer(_nobody), resource=RESOURCE)


def _head(raw: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The environ and the scope of a server that decodes the path once, and takes an absolute-form apart."""
    path = unquote_to_bytes(path_of(raw))
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": "",
        "REQUEST_URI": raw,
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": "0",
        "HTTP_AUTHORIZATION": CLIENT,
    }
    scope = {**scope_of(path.decode(errors="replace"), token="", method="POST"), "raw_path": raw.encode()}
    lines = [(b"content-type", b"application/x-www-form-urlencoded"), (b"authorization", CLIENT.encode())]
    scope["headers"] = [*scope["headers"], *lines]
    return environ, dict(scope)


def _by_wsgi(app: Any, raw: str) -> tuple[int, str]:
    started: list[int] = []

    def start_response(status: str, *rest: object) -> Any:
        started.append(int(status[:3]))

    body = app(_head(raw)[0], start_response)
    text = b"".join(body).decode()
    getattr(body, "close", lambda: None)()
    return started[-1], text


def _by_asgi(app: Any, raw: str) -> tuple[int, str]:
    sent: list[Message] = []
    asyncio.run(exchange(app, _head(raw)[1], sent))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


def _flask() -> Any:
    app = Flask("shop")
    app.register_blueprint(token_blueprint(SERVICE, url_prefix="/auth"))
    FlaskAuth(app, AUTH)
    return app


def _starlette() -> Any:
    app = Starlette(routes=[Mount("/auth", routes=token_routes(SERVICE))])
    app.add_middleware(AuthMiddleware, auth=AUTH)
    return app


async def _asgi(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nobody is let in")


def _wsgi(environ: Any, start_response: Any) -> Any:
    raise AssertionError("nobody is let in")


def _spellings(path: str) -> list[str]:
    last = path[-1]
    return [
        f"{path[:-1]}%{ord(last):02x}",
        f"/%{ord(path[1]):02X}{path[2:]}",
        f"{path}%00",
        f"{path};x=1",
        f"/{path}",
        f"/./{path[1:]}",
        f"/x/..{path}",
        f"/x/%2e%2e{path}",
        f"http://me@shop.example{path}",
    ]


@pytest.mark.parametrize("ask, app", [(_by_wsgi, _flask()), (_by_asgi, _starlette())], ids=["flask", "starlette"])
def test_only_at_its_canonical_path_an_endpoint_gets_the_credentials_of_a_client(ask: Any, app: Any) -> None:
    for raw in ("/auth/token", "https://shop.example/auth/token"):
        status, text = ask(app, raw)
        assert (status, json.loads(text)["error"]) == (400, "invalid_request")
    for raw in _spellings("/auth/token"):
        status, text = ask(app, raw)
        assert (status, json.loads(text)["code"][:7]) == (401, "authmw.")


@pytest.mark.parametrize(
    "ask, app",
    [(_by_wsgi, WSGIMiddleware(_wsgi, AUTH)), (_by_asgi, ASGIMiddleware(_asgi, AUTH))],
    ids=["wsgi", "asgi"],
)
def test_the_metadata_of_a_resource_has_one_spelling(ask: Any, app: Any) -> None:
    for raw in (RESOURCE.metadata_path, f"https://shop.example{RESOURCE.metadata_path}"):
        assert ask(app, raw) == (405, "Use GET or HEAD.")
    assert {ask(app, raw)[0] for raw in _spellings(RESOURCE.metadata_path)} == {401}


def _heads(raw: str, **headers: str) -> list[RequestHead]:
    environ, scope = _head(raw)
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    scope["headers"] += [(name.encode(), value.encode()) for name, value in headers.items()]
    return [WSGIRequest(environ), ASGIRequest(scope)]


def test_so_has_the_metadata_of_an_authorization_server() -> None:
    place = AuthorizationServerMetadata(SERVICE).place
    found = [request.path == place and request.is_canonical for request in _heads(place)]
    assert found == [True, True]
    for raw in _spellings(place):
        for request in _heads(raw):
            with pytest.raises(StopIteration) as ended:
                next(AuthorizationServerMetadata(SERVICE).respond(request))
            assert ended.value.value is None


def test_a_session_cookie_is_ignored_at_one_spelling_of_the_login() -> None:
    scheme = TokenCookie(origins=["https://shop.example"], open_to=["/auth/login"])
    for request in _heads("/auth/login", cookie="__Host-access=t0ken"):
        assert scheme.extract(request) is None
    for raw in _spellings("/auth/login"):
        for request in _heads(raw, cookie="__Host-access=t0ken"):
            assert scheme.extract(request) is not None

"""URLs of token endpoints in the document of a mounted application: they lead to the endpoint of the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
from authmw_fastapi import AuthMiddleware, FastAPIAuth
from authmw_starlette import docs_routes
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from authmw import (
    Auth,
    HTTPBearer,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
)
from authmw.openapi import DocsPage
from tests.adapters.fastapi.apps import TOKENS

ROOTS = ("", "/proxied", "/api/v1")
PUBLIC = ["/api/v1/openapi.json", "/api/openapi.json", "/openapi.json", "/api/acme/v1/openapi.json"]


def _password(url: str = "auth/token", name: str = "") -> Auth:
    return Auth(OAuth2PasswordBearer(url, TOKENS.get, name=name, refresh_url=f"./{url}"))


def _part() -> FastAPI:
    part = FastAPI()

    @part.get("/orders")
    def orders() -> str:
        return "orders"

    return part


def _fastapi() -> tuple[ASGIApp, FastAPI]:
    whole, part = FastAPI(), _part()
    whole.mount("/api/v1", part)
    FastAPIAuth(whole, _password(), public=PUBLIC)
    return whole, part


def _starlette() -> tuple[ASGIApp, FastAPI]:
    part = _part()
    whole = Starlette(routes=[Mount("/api/v1", part)])
    whole.add_middleware(AuthMiddleware, auth=_password(), public=PUBLIC)
    return whole, part


def _from_outside() -> tuple[ASGIApp, FastAPI]:
    part = _part()
    whole = Starlette(routes=[Mount("/api", routes=[Mount("/v1", part)])])
    return AuthMiddleware(whole, _password(), public=PUBLIC), part


def _two_mounts() -> tuple[ASGIApp, FastAPI]:
    whole, middle, part = FastAPI(), FastAPI(), _part()
    middle.mount("/v1", part)
    whole.mount("/api", middle)
    FastAPIAuth(whole, _password(), public=PUBLIC)
    return whole, part


def _copying() -> tuple[ASGIApp, FastAPI]:
    """With middleware in between that hands on a copy of the scope."""

    class Copying:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope}, receive, send)

    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    whole, part = FastAPI(), _part()
    whole.mount("/api/v1", part)
    whole.add_middleware(Copying)
    whole.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    FastAPIAuth(whole, _password(), public=PUBLIC)
    return whole, part


WHOLES = [_fastapi, _starlette, _from_outside, _two_mounts, _copying]


def _document(app: ASGIApp, root: str, path: str = "/api/v1/openapi.json") -> dict[str, Any]:
    response = TestClient(app, root_path=root).get(f"{root}{path}")
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


def _flow(document: dict[str, Any], name: str = "OAuth2PasswordBearer") -> dict[str, Any]:
    (flow,) = document["components"]["securitySchemes"][name]["flows"].values()
    return {key: value for key, value in flow.items() if key.endswith("Url")}


@pytest.mark.parametrize("make", WHOLES)
def test_every_reader_of_the_document_finds_the_token_endpoint_of_the_whole(
    make: Callable[[], tuple[ASGIApp, FastAPI]],
) -> None:
    app, _ = make()
    for root in (*ROOTS, *ROOTS):
        if make is _copying and root == "/api/v1":
            continue  # nothing tells the text of the mount from that of the root path
        document = _document(app, root)
        (server,) = [each["url"] for each in document["servers"]]
        for url in _flow(document).values():
            # The rule of RFC 3986, that of a directory, and that of readers who start at the document.
            leads = {urljoin(f"http://shop{base}", url) for base in (server, f"{server}/", f"{server}/openapi.json")}
            assert leads == {f"http://shop{root}/auth/token"}


@pytest.mark.parametrize("make", WHOLES)
def test_outside_of_a_request_the_way_up_is_relative(make: Callable[[], tuple[ASGIApp, FastAPI]]) -> None:
    app, part = make()
    first = _document(app, "/proxied")
    assert _flow(first)["tokenUrl"] == "/proxied/auth/token"
    assert _flow(part.openapi()) == {"tokenUrl": "../../auth/token", "refreshUrl": "../../auth/token"}
    assert part.openapi() is part.openapi()
    assert _document(app, "/proxied") == first


def test_the_document_of_the_whole_stays_as_it_is_declared() -> None:
    app, _ = _fastapi()
    assert _flow(_document(app, "/proxied", "/openapi.json"))["tokenUrl"] == "auth/token"


def test_a_mounted_application_with_a_guard_of_its_own_has_its_own_urls() -> None:
    whole, part = FastAPI(), _part()
    FastAPIAuth(part, _password("login", name="Own"), public=["/openapi.json"])
    whole.mount("/api/v1", part)
    FastAPIAuth(whole, _password(), public=PUBLIC)
    document = _document(whole, "/proxied")
    assert _flow(document)["tokenUrl"] == "/proxied/auth/token"
    assert _flow(document, "Own")["tokenUrl"] == "login"


def test_a_docs_page_that_is_mounted_elsewhere_leads_to_the_same_endpoint() -> None:
    whole, part = FastAPI(), _part()
    whole.mount("/api/v1", part)
    whole.mount(
        "/internal", Starlette(routes=docs_routes(DocsPage(document=lambda: dict(part.openapi())), public=True))
    )
    FastAPIAuth(whole, _password(), public=[*PUBLIC, "/internal/*"])
    for root in ("", "/proxied"):
        document = _document(whole, root, "/internal/docs/openapi.json")
        assert _flow(document)["tokenUrl"] == f"{root}/auth/token"


def test_a_path_with_parameters_is_as_long_as_any_other() -> None:
    whole, part = FastAPI(), _part()
    whole.mount("/api/{tenant}/v1", part)
    FastAPIAuth(whole, _password(), public=PUBLIC)
    document = _document(whole, "/proxied", "/api/acme/v1/openapi.json")
    assert _flow(document)["tokenUrl"] == "/proxied/auth/token"
    assert _flow(part.openapi())["tokenUrl"] == "../../../auth/token"


def test_urls_of_other_hosts_and_from_the_root_stay_and_every_kind_of_url_is_resolved() -> None:
    whole, part = FastAPI(), _part()
    whole.mount("/api/v1", part)
    schemes = (
        OAuth2AuthorizationCodeBearer("auth/authorize", "auth/token", TOKENS.get, name="code")
        | OAuth2ClientCredentialsBearer("https://id.example/token", TOKENS.get, name="elsewhere")
        | OAuth2PasswordBearer("/auth/token", TOKENS.get, name="from-the-root")
        | HTTPBearer(TOKENS.get)
    )
    FastAPIAuth(whole, Auth(schemes), public=PUBLIC)
    document = _document(whole, "/proxied")
    assert _flow(document, "code") == {
        "authorizationUrl": "/proxied/auth/authorize",
        "tokenUrl": "/proxied/auth/token",
    }
    assert _flow(document, "elsewhere") == {"tokenUrl": "https://id.example/token"}
    assert _flow(document, "from-the-root") == {"tokenUrl": "/auth/token"}

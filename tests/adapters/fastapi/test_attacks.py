"""Ways around what was declared, each of which was open once."""

# Annotations are evaluated at once: those of the endpoints here name what is local to a test.

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import fastapi
import fastapi.routing
import pytest
from authmw_fastapi import (
    AuthMiddleware,
    CurrentPrincipal,
    FastAPIAuth,
    OptionalPrincipal,
    Scopes,
    Security,
    caller,
    caller_by,
    current_principal,
    openapi_document,
    requires_scopes,
)
from authmw_fastapi.openapi import document_everything
from authmw_starlette.listing import routes_of
from fastapi import APIRouter, Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBearer, Principal
from authmw.engine.public_paths import Default
from authmw.engine.routes.frameworks import openapi_document as openapi_document_of_any
from authmw.engine.routes.route import Protection
from tests.adapters.fastapi.apps import TOKENS, as_, client_of, make_auth, security_of

AUTH = make_auth()


def named(principal: CurrentPrincipal) -> str:
    """A dependency of a program, as ``get_current_user`` is in many."""
    return principal.id


def perhaps_named(principal: OptionalPrincipal) -> str:
    """The same, for whoever asks."""
    return principal.id


def reading(principal: Annotated[Principal, Scopes("items:read")]) -> str:
    """The same, for readers."""
    return principal.id


@pytest.mark.parametrize("dependency", [named, perhaps_named, reading])
def test_scopes_declared_above_a_dependency_that_lets_through_are_needed(dependency: Any) -> None:
    app = FastAPI()
    FastAPIAuth(app, AUTH)

    @app.get("/items")
    def items(name: Annotated[str, fastapi.Security(dependency, scopes=["items:write"])]) -> str:
        return name

    client = client_of(app)
    assert client.get("/items").status_code == 401
    refused = client.get("/items", headers=as_("reader"))
    assert refused.status_code == 403
    assert "items:write" in refused.headers["www-authenticate"]
    assert client.get("/items", headers=as_("writer")).json() == "carol"
    assert all(
        "items:write" in scopes for each in security_of(openapi_document(app))["GET /items"] for scopes in each.values()
    )


def test_what_was_let_through_with_fewer_scopes_is_not_remembered_for_more() -> None:
    app = FastAPI(dependencies=[Depends(named)])
    FastAPIAuth(app, AUTH)

    @app.get("/items")
    def items(name: Annotated[str, fastapi.Security(named, scopes=["items:write"])]) -> str:
        return name

    assert client_of(app).get("/items", headers=as_("reader")).status_code == 403


@pytest.mark.parametrize("dependency", [caller, caller_by(AUTH)])
def test_scopes_of_what_asks_for_nothing_are_a_mistake(dependency: Any) -> None:
    with pytest.raises(ConfigurationError, match="asks for nothing"):
        Security(dependency, scopes=["items:write"])
    Security(dependency)


@pytest.mark.skipif(
    not hasattr(fastapi.routing, "iter_route_contexts"), reason="this FastAPI copies routes, and forgets their router"
)
@pytest.mark.parametrize("depth", ["included", "included by another"])
def test_a_router_that_is_decorated_and_then_included_as_it_was_is_refused(depth: str) -> None:
    router = APIRouter()
    router.add_api_route("/items", lambda: "open")
    requires_scopes("items:write")(router)  # it marks the router; what it returns would ask
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    FastAPIAuth(app, AUTH)
    if depth == "included":
        app.include_router(router)
    else:
        between = APIRouter()
        between.include_router(router)
        app.include_router(between)
    assert [route.protection for route in routes_of(app)] == [Protection.MISPLACED]
    with pytest.raises(ConfigurationError, match="APIRouter is registered without its enforcing wrapper"):
        client_of(app).get("/items", headers=as_("reader"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory of a frontend."""
    (tmp_path / "index.html").write_text("open")
    return tmp_path


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI serves no frontends")
def test_a_frontend_is_listed_with_what_protects_it(site: Path) -> None:
    def bare() -> FastAPI:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.frontend("/", directory=site)
        router = APIRouter(dependencies=[Scopes("items:read")])
        router.frontend("/for-readers", directory=site)
        app.include_router(router, prefix="/v1")
        return app

    app = bare()
    FastAPIAuth(app, AUTH, default="allow")
    assert {route.label: route.protection for route in routes_of(app)} == {
        "MOUNT /*": Protection.UNPROTECTED,
        "MOUNT /v1/for-readers/*": Protection.DECLARED,
    }
    assert client_of(app).get("/").text == "open"
    assert client_of(app).get("/v1/for-readers/").status_code == 401
    app = bare()
    FastAPIAuth(app, AUTH)
    assert not any(route.is_open for route in routes_of(app))
    assert client_of(app).get("/").status_code == 401


def test_what_is_declared_beside_security_is_documented_where_there_is_no_middleware() -> None:
    app = FastAPI()
    other = make_auth("Other")

    @app.get("/items", dependencies=[Security(AUTH), Security(other, scopes=["items"])])
    @requires_scopes("items:write")
    def items(principal: Annotated[Principal, Scopes("items:read")]) -> str:
        return principal.id

    client = client_of(app)
    assert client.get("/items", headers=as_("reader")).status_code == 403
    assert client.get("/items", headers=as_("writer")).json() == "carol"
    by_scheme = security_of(openapi_document(app))["GET /items"][0]
    assert {name: set(scopes) for name, scopes in by_scheme.items()} == {
        "HTTPBearer": {"items:read", "items:write"},
        "Other": {"items"},
    }


@pytest.mark.parametrize("ask", [openapi_document, openapi_document_of_any])
def test_a_guard_around_the_application_is_documented_before_the_start(ask: Callable[[object], dict[str, Any]]) -> None:
    app = FastAPI()

    @app.get("/items")
    def items() -> None: ...

    assert security_of(ask(AuthMiddleware(app, AUTH))) == {"GET /items": [{"HTTPBearer": []}, {"KeyHTTPBearer": []}]}


def test_what_is_no_application_of_fastapi_has_no_document() -> None:
    with pytest.raises(ConfigurationError, match="is no FastAPI application"):
        openapi_document(AuthMiddleware(Starlette(), AUTH))


@pytest.mark.parametrize("default", ["deny", "allow"])
def test_scopes_below_a_guard_in_a_mount_are_not_documented_for_the_one_further_out(default: Default) -> None:
    shop = FastAPI(openapi_url=None)
    FastAPIAuth(shop, Auth(APIKeyHeader("X-Other", TOKENS.get, name="Other")))

    @shop.get("/items")
    def items(principal: Annotated[Principal, Scopes("items:write")]) -> str:
        return principal.id

    app = FastAPI(openapi_url=None)
    app.mount("/shop", shop)
    auth = Auth(HTTPBearer(TOKENS.get))
    FastAPIAuth(app, auth, default=default)
    client = client_of(app)
    assert client.get("/shop/items", headers={**as_("nobody"), "X-Other": "writer"}).json() == "carol"
    assert client.get("/shop/items", headers={"X-Other": "writer"}).status_code == (401 if default == "deny" else 200)
    document_everything(app)
    outside: dict[str, list[str]] = {"HTTPBearer": []} if default == "deny" else {}
    assert security_of(shop.openapi())["GET /items"] == [{**outside, "Other": ["items:write"]}]


@pytest.mark.parametrize("behind_middleware", [True, False])
def test_who_is_served_is_not_who_an_application_is_called_for_in_the_course_of_it(behind_middleware: bool) -> None:
    inner = FastAPI()

    @inner.get("/mine")
    async def mine(principal: Annotated[Principal, Security(AUTH)]) -> list[str]:
        return [principal.id, current_principal().id]

    outer = FastAPI(dependencies=[] if behind_middleware else [Security(AUTH)])

    @outer.get("/on-behalf")
    async def on_behalf(of: str = "") -> Any:
        async with AsyncClient(transport=ASGITransport(inner), base_url="http://inner.test") as client:
            answer = await client.get("/mine", headers=as_(of))
        return answer.json() if answer.is_success else answer.status_code

    if behind_middleware:
        FastAPIAuth(outer, AUTH)
    client = client_of(outer)
    assert client.get("/on-behalf?of=nobody", headers=as_("writer")).json() == ["bob", "bob"]
    assert client.get("/on-behalf", headers=as_("writer")).json() == 401


def test_a_principal_that_fastapi_would_make_from_the_query_stops_the_start_up() -> None:
    app = FastAPI()
    FastAPIAuth(app, AUTH)

    @app.get("/mine")
    def mine(principal: Annotated[Principal, Depends()]) -> str:
        return principal.id

    with pytest.raises(
        ConfigurationError, match=r"mine \(.*test_attacks.py:\d+\) takes any principal .*CurrentPrincipal"
    ):
        client_of(app).get("/mine?id=root", headers=as_("nobody"))

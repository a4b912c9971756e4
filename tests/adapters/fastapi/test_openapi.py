"""``app.openapi()`` says what is enforced, whichever way it is declared."""

from collections.abc import Callable
from typing import Annotated, Any

import fastapi
import pytest
from authmw_fastapi import (
    AuthMiddleware,
    CurrentPrincipal,
    FastAPIAuth,
    OptionalPrincipal,
    Scopes,
    Security,
    any_of,
    openapi_document,
    optionally_authenticated,
    public,
    requires_scopes,
)
from authmw_starlette import AuthMiddleware as StarletteAuthMiddleware
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyQuery, OAuth2PasswordBearer
from fastapi.security import HTTPBasic as FastAPIBasic
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBearer, Principal
from authmw import OAuth2PasswordBearer as VerifiedPasswordBearer
from tests.adapters.fastapi.apps import TOKENS, as_, client_of, make_auth, security_of

AUTH = make_auth()
BOTH = Auth(APIKeyHeader("X-Site", TOKENS.get) & HTTPBearer(TOKENS.get))
MACHINES = Auth(APIKeyHeader("X-Machine", TOKENS.get, name="Machine"))


def either(*scopes: str) -> list[dict[str, list[str]]]:
    """What `AUTH` accepts, with those scopes."""
    return [{"HTTPBearer": list(scopes)}, {"KeyHTTPBearer": list(scopes)}]


class Item(BaseModel):
    name: str = "tea"


def make_app(**settings: Any) -> FastAPI:
    app = FastAPI(**settings)
    router = APIRouter(prefix="/router", dependencies=[Scopes("items")])

    @app.get("/undeclared")
    async def undeclared() -> None: ...

    @app.get("/public")
    @public
    async def open_to_all() -> None: ...

    @app.get("/pattern/{number}")
    async def pattern(number: int) -> None: ...

    @app.get("/optional")
    async def optional(principal: OptionalPrincipal) -> None: ...

    @app.get("/decorated-optional")
    @optionally_authenticated
    async def decorated_optional() -> None: ...

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> None: ...

    @app.get("/any-of")
    async def one_of(principal: Annotated[Principal, Scopes("items", any_of("a", "b"))]) -> None: ...

    @app.api_route("/methods", methods=["GET", "HEAD", "PUT"], operation_id="methods", include_in_schema=False)
    @requires_scopes("items:write")
    async def methods() -> None: ...

    @router.post("/items")
    @requires_scopes("items:write")
    async def add(item: Item, principal: Annotated[Principal, Security(AUTH, scopes=["items:read"])]) -> Item:
        return item

    @router.websocket("/socket")
    async def socket(websocket: fastapi.WebSocket) -> None: ...

    app.include_router(router, prefix="/v1")
    return app


EXPECTED = {
    "GET /undeclared": either(),
    "GET /public": [],
    "GET /pattern/{number}": [],
    "GET /optional": [*either(), {}],
    "GET /decorated-optional": [*either(), {}],
    "GET /me": either(),
    "GET /any-of": [
        {"HTTPBearer": ["items", "a"]},
        {"HTTPBearer": ["items", "b"]},
        {"KeyHTTPBearer": ["items", "a"]},
        {"KeyHTTPBearer": ["items", "b"]},
    ],
    "POST /v1/router/items": either("items", "items:read", "items:write"),
}
PUBLIC = ["/pattern/*", "/openapi.json"]


def added(app: FastAPI) -> ASGIApp:
    app.add_middleware(AuthMiddleware, auth=AUTH, public=PUBLIC)
    return app


def by_extension(app: FastAPI) -> ASGIApp:
    FastAPIAuth(app, AUTH, public=iter(PUBLIC))
    return app


def later(app: FastAPI) -> ASGIApp:
    FastAPIAuth(public=PUBLIC).init_app(app, AUTH)
    return app


def outside(app: FastAPI) -> ASGIApp:
    return AuthMiddleware(app, AUTH, public=PUBLIC)


def in_a_mount(app: FastAPI) -> ASGIApp:
    return Starlette(routes=[Mount("", app=AuthMiddleware(app, AUTH, public=PUBLIC))])


PLACEMENTS = [added, by_extension, later, outside, in_a_mount]


@pytest.mark.parametrize("place", PLACEMENTS)
def test_what_is_served_says_what_is_enforced_with_nothing_to_call(place: Callable[[FastAPI], ASGIApp]) -> None:
    document = client_of(place(make_app())).get("/openapi.json").json()
    assert security_of(document) == EXPECTED


@pytest.mark.parametrize("place", [added, by_extension, later])
def test_the_document_can_be_had_without_starting_the_application(place: Callable[[FastAPI], ASGIApp]) -> None:
    app = make_app()
    place(app)
    assert security_of(openapi_document(app)) == EXPECTED


def test_starlette_s_middleware_is_seen_as_well() -> None:
    app = make_app()
    app.add_middleware(StarletteAuthMiddleware, auth=AUTH, public=PUBLIC)
    assert security_of(openapi_document(app)) == EXPECTED


def test_start_up_alone_is_enough() -> None:
    app = make_app()
    added(app)
    with client_of(app):
        assert security_of(app.openapi()) == EXPECTED


def test_the_refusals_of_each_operation_are_described() -> None:
    app = make_app()
    added(app)
    paths = openapi_document(app)["paths"]
    assert {"401", "403", "429"} <= paths["/v1/router/items"]["post"]["responses"].keys()
    assert "items:read` (See items)" in paths["/v1/router/items"]["post"]["responses"]["403"]["description"]
    assert "403" not in paths["/me"]["get"]["responses"]
    assert "401" not in paths["/public"]["get"]["responses"]


def test_allowing_by_default_needs_nobody_where_nothing_is_declared() -> None:
    app = make_app()
    FastAPIAuth(app, AUTH, default="allow")
    found = security_of(openapi_document(app))
    assert (found["GET /undeclared"], found["GET /me"]) == ([], either())


def test_all_at_once_is_one_object_and_one_of_several_is_several() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(principal: Annotated[Principal, Security(BOTH, scopes=["items"])]) -> None: ...

    FastAPIAuth(app, BOTH)
    assert security_of(app.openapi()) == {"GET /": [{"APIKeyHeader": [], "HTTPBearer": ["items"]}]}


def test_another_auth_is_documented_beside_that_of_the_middleware() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(principal: Annotated[Principal, Security(MACHINES, scopes=["run"])]) -> None: ...

    @app.get("/open")
    @optionally_authenticated
    async def open_to_all(principal: Annotated[Principal, Security(MACHINES)]) -> None: ...

    FastAPIAuth(app, AUTH)
    document = app.openapi()
    assert security_of(document) == {
        "GET /": [{"HTTPBearer": [], "Machine": ["run"]}, {"KeyHTTPBearer": [], "Machine": ["run"]}],
        "GET /open": [{"HTTPBearer": [], "Machine": []}, {"KeyHTTPBearer": [], "Machine": []}, {"Machine": []}],
    }
    assert document["components"]["securitySchemes"].keys() == {"HTTPBearer", "KeyHTTPBearer", "Machine"}


def test_what_fastapi_s_own_schemes_document_is_kept_beside() -> None:
    app = FastAPI()
    by_query = APIKeyQuery(name="key")

    @app.get("/")
    async def index(key: Annotated[str, fastapi.Security(by_query)], principal: CurrentPrincipal) -> None: ...

    @app.get("/open")
    @public
    async def open_to_all(key: Annotated[str, fastapi.Security(by_query)]) -> None: ...

    FastAPIAuth(app, AUTH)
    assert security_of(app.openapi()) == {
        "GET /": [{"HTTPBearer": [], "APIKeyQuery": []}, {"KeyHTTPBearer": [], "APIKeyQuery": []}],
        "GET /open": [{"APIKeyQuery": []}],
    }


def test_without_a_guard_fastapi_documents_security_by_itself() -> None:
    app = FastAPI()

    def checked(principal: Annotated[Principal, Security(AUTH, scopes=["items"])]) -> Principal:
        return principal

    @app.get("/")
    async def index(principal: Annotated[Principal, Security(checked, scopes=["items:read"])]) -> None: ...

    @app.get("/plain")
    async def plain() -> None: ...

    described = client_of(app).get("/openapi.json").json()
    assert set(described["components"]["securitySchemes"]) == {"HTTPBearer", "KeyHTTPBearer"}
    assert [list(each) for each in described["paths"]["/"]["get"]["security"]] == [["HTTPBearer"], ["KeyHTTPBearer"]]
    assert "security" not in described["paths"]["/plain"]["get"]


def test_without_a_guard_the_document_is_exact_once_somebody_has_called() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(principal: Annotated[Principal, Security(BOTH, scopes=["items"])]) -> None: ...

    @app.get("/plain")
    async def plain() -> None: ...

    client = client_of(app)
    client.get("/openapi.json")
    client.get("/")
    document = client.get("/openapi.json").json()
    assert security_of(document) == {"GET /": [{"APIKeyHeader": [], "HTTPBearer": ["items"]}]}
    assert "401" in document["paths"]["/"]["get"]["responses"]
    assert document == openapi_document(app)


@pytest.mark.parametrize("version", ["3.1.0", "3.0.2"])
def test_the_document_is_valid(version: str) -> None:
    app = make_app()
    app.openapi_version = version
    FastAPIAuth(app, AUTH)
    validator = OpenAPIV31SpecValidator if version.startswith("3.1") else OpenAPIV30SpecValidator
    assert list(validator(app.openapi()).iter_errors()) == []  # pyright: ignore[reportArgumentType] - a mapping
    if version == "3.0.2":
        assert app.openapi()["paths"]["/v1/router/items"]["post"]["security"] == either()


def test_a_document_that_the_program_makes_itself_is_kept_and_made_once() -> None:
    app = make_app(title="Shop")
    made: list[int] = []

    def custom() -> dict[str, Any]:
        if app.openapi_schema is None:
            made.append(1)
            app.openapi_schema = {**get_openapi(title="Mine", version="1", routes=app.routes), "x-mine": True}
        return app.openapi_schema

    setattr(app, "openapi", custom)  # noqa: B010 - as FastAPI teaches
    FastAPIAuth(app, AUTH, public=PUBLIC)
    document = app.openapi()
    assert (document["info"]["title"], document["x-mine"], security_of(document)) == ("Mine", True, EXPECTED)
    assert app.openapi() is document
    assert app.openapi_schema is document
    assert made == [1]


def test_a_program_may_wrap_the_document_later() -> None:
    app = make_app()
    FastAPIAuth(app, AUTH, public=PUBLIC)
    app.openapi()
    ours = app.openapi

    def custom() -> dict[str, Any]:
        return {**ours(), "x-mine": True}

    setattr(app, "openapi", custom)  # noqa: B010 - as FastAPI teaches
    for _ in range(2):
        document = client_of(app).get("/openapi.json").json()
        assert (document["x-mine"], security_of(document)) == (True, EXPECTED)
        assert security_of(ours()) == EXPECTED


def test_the_document_is_made_anew_when_the_program_forgets_it() -> None:
    app = make_app()
    FastAPIAuth(app, AUTH, public=PUBLIC)
    before = app.openapi()

    @app.get("/new")
    async def new(principal: CurrentPrincipal) -> None: ...

    app.openapi_schema = None
    after = app.openapi()
    assert after is not before
    assert security_of(after) == {**EXPECTED, "GET /new": either()}


def test_fastapi_s_settings_for_the_document_hold() -> None:
    app = make_app(separate_input_output_schemas=False, servers=[{"url": "https://shop.example"}])
    FastAPIAuth(app, AUTH)
    document = app.openapi()
    assert document["servers"] == [{"url": "https://shop.example"}]
    assert {"Item", "Refusal"} <= document["components"]["schemas"].keys()
    assert "/methods" not in document["paths"]


def test_mounted_applications_say_what_stands_around_them() -> None:
    app, shop = FastAPI(), FastAPI()

    @shop.get("/items")
    async def items(principal: Annotated[Principal, Scopes("items:read")]) -> None: ...

    @shop.get("/prices")
    async def prices() -> None: ...

    @shop.get("/open/about")
    async def about() -> None: ...

    app.mount("/shop", requires_scopes("items")(shop))
    app.mount("/free", shop_without_needs := FastAPI())

    @shop_without_needs.get("/about")
    async def free() -> None: ...

    app.add_middleware(AuthMiddleware, auth=AUTH, public=["/free/*"])
    client = client_of(app)
    mounted = client.get("/shop/openapi.json", headers=as_("writer")).json()
    assert security_of(mounted) == {
        "GET /items": either("items", "items:read"),
        "GET /prices": either("items"),
        "GET /open/about": either("items"),
    }
    assert security_of(client.get("/free/openapi.json").json()) == {"GET /about": []}
    assert security_of(client.get("/openapi.json", headers=as_("writer")).json()) == {}


def test_a_mounted_application_with_a_guard_of_its_own_needs_both() -> None:
    app, shop = FastAPI(), FastAPI()

    @shop.get("/items")
    async def items() -> None: ...

    shop.add_middleware(AuthMiddleware, auth=MACHINES, public=["/openapi.json"])
    app.mount("/shop", shop)
    FastAPIAuth(app, AUTH, public=["/shop/openapi.json"])
    client = client_of(app)
    served = client.get("/shop/openapi.json")
    assert served.status_code == 200
    assert security_of(served.json()) == {
        "GET /items": [{"HTTPBearer": [], "Machine": []}, {"KeyHTTPBearer": [], "Machine": []}]
    }
    client.get("/shop/items", headers={**as_("reader"), "X-Machine": "reader"})
    assert security_of(client.get("/shop/openapi.json").json()) == security_of(served.json())


def test_a_relative_token_url_stays_relative_and_scopes_have_their_words() -> None:
    app = FastAPI()
    auth = Auth(VerifiedPasswordBearer("token", TOKENS.get), scopes={"items:read": "See items"})

    @app.get("/")
    async def index(principal: Annotated[Principal, Scopes("items:read", "other")]) -> None: ...

    FastAPIAuth(app, auth)
    flow = app.openapi()["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
    assert flow == {"tokenUrl": "token", "scopes": {"items:read": "See items", "other": ""}}


def test_two_schemes_under_one_name_are_refused_at_start_up() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(token: Annotated[str, fastapi.Security(OAuth2PasswordBearer("elsewhere"))]) -> None: ...

    app.add_middleware(AuthMiddleware, auth=Auth(VerifiedPasswordBearer("token", TOKENS.get)))
    with pytest.raises(ConfigurationError, match="two different security schemes are named OAuth2PasswordBearer"):
        client_of(app).get("/")
    with pytest.raises(ConfigurationError, match="scheme_name"), client_of(app):
        pass
    with pytest.raises(ConfigurationError, match="OAuth2PasswordBearer"):
        openapi_document(app)


def test_one_scheme_that_is_described_in_two_places_is_one() -> None:
    app = FastAPI()
    plain = OAuth2PasswordBearer("token", scopes={"a": "A"}, description="Ours.")

    @app.get("/")
    async def index(token: Annotated[str, fastapi.Security(plain)]) -> None: ...

    FastAPIAuth(app, Auth(VerifiedPasswordBearer("token", TOKENS.get)))
    assert security_of(app.openapi()) == {"GET /": [{"OAuth2PasswordBearer": []}]}


def test_fastapi_s_basic_stays_what_it_is_where_nothing_of_ours_is() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(credentials: Annotated[Any, fastapi.Security(FastAPIBasic())], request: Request) -> None: ...

    native = FastAPI.openapi(app)
    app.openapi_schema = None
    assert openapi_document(app) == native

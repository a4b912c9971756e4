"""`FastAPIAuth` and the middleware: what they guard, and which mistakes they tell when."""

from typing import Annotated, Any

import pytest
from authmw_fastapi import AuthMiddleware, CurrentPrincipal, FastAPIAuth, Scopes, requires_scopes
from fastapi import Depends, FastAPI

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from tests.adapters.fastapi.apps import TOKENS, as_, client_of, make_auth


def make_app() -> FastAPI:
    app = FastAPI(title="Shop")

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> str:
        return principal.id

    @app.get("/health")
    async def health() -> str:
        return "fine"

    return app


def test_nobody_gets_in_without_credentials_but_to_public_paths() -> None:
    app = make_app()
    FastAPIAuth(app, make_auth(), public=["/health"])
    client = client_of(app)
    paths = ("/me", "/health", "/docs", "/openapi.json", "/nope")
    assert [client.get(path).status_code for path in paths] == [401, 200, 401, 401, 401]
    assert client.get("/me", headers=as_("reader")).json() == "alice"


DOCS = ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json")


def test_the_docs_are_guarded_unless_one_word_opens_them() -> None:
    app, opened = make_app(), make_app()
    FastAPIAuth(app, make_auth(), public=["/health"])
    FastAPIAuth(opened, make_auth(), public=["/health"], docs="public")
    assert [client_of(app).get(path).status_code for path in DOCS] == [401] * 4
    client = client_of(opened)
    assert [client.get(path).status_code for path in (*DOCS, "/health")] == [200] * 5
    assert [client.get(path).status_code for path in ("/me", "/docs/other", "/openapi.yaml")] == [401] * 3
    assert client.post("/openapi.json").status_code == 401


def test_docs_at_other_paths_are_opened_there_and_nowhere_else() -> None:
    app = FastAPI(docs_url="/manual", redoc_url=None, openapi_url="/api.json")
    FastAPIAuth(app, make_auth(), docs="public")
    client = client_of(app)
    assert [client.get(path).status_code for path in ("/manual", "/api.json", "/docs", "/openapi.json", "/redoc")] == [
        200,
        200,
        401,
        401,
        401,
    ]


def test_without_a_document_nothing_is_opened() -> None:
    app = FastAPI(openapi_url=None)
    FastAPIAuth(app, make_auth(), docs="public")
    assert [client_of(app).get(path).status_code for path in DOCS] == [401] * 4


def test_the_word_for_the_docs_is_checked() -> None:
    with pytest.raises(ConfigurationError, match='write docs="public"'):
        FastAPIAuth(make_app(), make_auth(), docs=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_one_extension_guards_several_applications() -> None:
    auth = FastAPIAuth(public=iter(["/health"]))
    apps = [make_app(), make_app()]
    for app in apps:
        auth.init_app(app, make_auth())
    assert [client_of(app).get("/health").status_code for app in apps] == [200, 200]
    assert [client_of(app).get("/me").status_code for app in apps] == [401, 401]


def test_allowing_by_default_leaves_it_to_the_endpoints() -> None:
    app = make_app()
    FastAPIAuth(app, make_auth(), default="allow")
    assert [client_of(app).get(path).status_code for path in ("/health", "/docs", "/me")] == [200, 200, 401]


def guard_twice() -> None:
    app = make_app()
    FastAPIAuth(app, make_auth())
    FastAPIAuth(app, make_auth())


def guard_beside_the_middleware() -> None:
    app = make_app()
    app.add_middleware(AuthMiddleware, auth=make_auth())
    FastAPIAuth(app, make_auth())


NOTHING: Any = None


@pytest.mark.parametrize(
    "mistake, fix",
    [
        (lambda: FastAPIAuth(make_app(), make_auth(), public=["health"]), "/health"),
        (lambda: FastAPIAuth(make_app()), "init_app(app, auth)"),
        (lambda: FastAPIAuth(make_auth(), NOTHING), "not an Auth"),  # type: ignore[arg-type]  # the mistake
        (lambda: FastAPIAuth(make_app(), NOTHING or "auth"), "needs an Auth"),  # type: ignore[arg-type]  # the mistake
        (guard_twice, "Shop is guarded already"),
        (guard_beside_the_middleware, "Shop is guarded already"),
    ],
)
def test_mistakes_are_told_at_once(mistake: Any, fix: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        mistake()
    assert fix in str(error.value)


def test_a_forgotten_guard_stops_the_application_before_it_serves() -> None:
    app = make_app()

    @requires_scopes("items:read")
    @app.get("/items")
    async def items() -> None: ...

    FastAPIAuth(app, make_auth())
    with pytest.raises(ConfigurationError, match=r"items .* registered without its enforcing wrapper"), client_of(app):
        pass


def test_a_dependency_that_is_registered_below_its_guard_stops_it_as_well() -> None:
    def helper() -> None: ...

    requires_scopes("items:read")(helper)
    app = FastAPI(dependencies=[Depends(helper)])

    @app.get("/items")
    async def items() -> None: ...

    FastAPIAuth(app, make_auth())
    with pytest.raises(ConfigurationError, match=r"helper .* is registered without its enforcing wrapper"):
        client_of(app).get("/items")


def test_a_decorated_dependency_is_enforced_and_named() -> None:
    @requires_scopes("items:read")
    def helper() -> str:
        return "helped"

    app = FastAPI()

    @app.get("/items")
    async def items(help: Annotated[str, Depends(helper)]) -> str:
        return help

    FastAPIAuth(app, make_auth())
    client = client_of(app)
    assert 'scope="items:read"' in client.get("/items").headers["www-authenticate"]
    assert [client.get("/items", headers=as_(token)).status_code for token in ("nobody", "reader")] == [403, 200]


def test_endpoints_added_at_start_up_are_guarded_and_documented() -> None:
    auth = Auth(HTTPBearer(TOKENS.get))
    app = FastAPI()
    FastAPIAuth(app, auth, public=["/openapi.json"])

    @app.get("/late")
    async def late(principal: Annotated[Principal, Scopes("items")]) -> str:
        return principal.id

    client = client_of(app)
    assert client.get("/late").headers["www-authenticate"] == 'Bearer realm="app", scope="items"'
    assert client.get("/openapi.json").json()["paths"]["/late"]["get"]["security"] == [{"HTTPBearer": ["items"]}]

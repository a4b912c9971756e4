"""The verified dependencies: what they let through, what they refuse, and how."""

import asyncio
from collections.abc import AsyncIterator
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
    caller,
    caller_by,
    current_principal,
    public,
    requires_scopes,
)
from authmw_fastapi.security import HTTPBearer as PlainBearer
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, WebSocket
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from authmw import APIKeyHeader, Auth, Authenticated, ConfigurationError, HTTPBearer, Principal, RequestHead
from authmw.stores import StoreUnavailable
from tests.adapters.fastapi.apps import as_, client_of, make_auth

AUTH = make_auth()


def checked(principal: Annotated[Principal, Security(AUTH, scopes=["items"])]) -> Principal:
    return principal


Checked = Annotated[Principal, Security(checked, scopes=["items:read"])]


def make_app() -> FastAPI:
    """Each form, at each level."""
    app = FastAPI()
    within = APIRouter(prefix="/router", dependencies=[Scopes("items")])

    @app.get("/me")
    async def me(principal: CurrentPrincipal) -> str:
        return principal.id

    @app.get("/anyone")
    def anyone(principal: OptionalPrincipal) -> str:
        return principal.id or "stranger"

    @app.get("/items")
    async def items(principal: Annotated[Principal, Scopes("items:read")]) -> str:
        return principal.id

    @app.get("/either", dependencies=[Scopes(any_of("items:write", "admin"))])
    async def either() -> str:
        return current_principal().id

    @within.get("/items")
    async def items_within(principal: Annotated[Principal, Scopes("items:read")]) -> str:
        return principal.id

    @within.get("/decorated")
    @requires_scopes("items:write")
    async def decorated() -> str:
        return current_principal().id

    @app.get("/undeclared")
    async def undeclared() -> str:
        return current_principal().id

    @app.get("/mine")
    async def mine(principal: Annotated[Principal, Security(AUTH)]) -> str:
        return principal.id

    @app.get("/checked")
    def checked_items(principal: Checked) -> str:
        return f"{principal.id} {current_principal().id}"

    @app.post("/items")
    async def add(
        principal: Annotated[Principal, Security(AUTH, scopes=["items:write"])],
        name: Annotated[str, Body(embed=True)],
    ) -> str:
        return f"{principal.id} {name}"

    app.include_router(within)
    return app


def guarded() -> FastAPI:
    app = make_app()
    app.add_middleware(AuthMiddleware, auth=AUTH)
    return app


GUARDED, UNGUARDED = guarded(), make_app()


@pytest.mark.parametrize(
    "path, token, status, text",
    [
        ("/me", "nobody", 200, "bob"),
        ("/me", "", 401, ""),
        ("/anyone", "", 200, "stranger"),
        ("/anyone", "reader", 200, "alice"),
        ("/anyone", "unknown", 401, ""),
        ("/items", "reader", 200, "alice"),
        ("/items", "nobody", 403, ""),
        ("/items", "", 401, ""),
        ("/either", "writer", 200, "carol"),
        ("/either", "reader", 403, ""),
        ("/router/items", "reader", 200, "alice"),
        ("/router/items", "nobody", 403, ""),
        ("/router/decorated", "writer", 200, "carol"),
        ("/router/decorated", "reader", 403, ""),
        ("/undeclared", "", 401, ""),
        ("/undeclared", "nobody", 200, "bob"),
        ("/mine", "nobody", 200, "bob"),
        ("/mine", "", 401, ""),
        ("/checked", "reader", 200, "alice alice"),
        ("/checked", "nobody", 403, ""),
    ],
)
def test_below_the_middleware_each_form_lets_through_who_meets_it(
    path: str, token: str, status: int, text: str
) -> None:
    answer = client_of(GUARDED).get(path, headers=as_(token))
    assert answer.status_code == status
    assert not text or answer.json() == text


@pytest.mark.parametrize(
    "path, scope",
    [
        ("/items", "items:read"),
        ("/either", "items:write admin"),
        ("/router/items", "items items:read"),
        ("/router/decorated", "items items:write"),
        ("/checked", "items:read items"),
    ],
)
@pytest.mark.parametrize("token, status", [("", 401), ("nobody", 403)])
def test_a_refusal_names_all_scopes_of_the_operation_parents_first(
    path: str, scope: str, token: str, status: int
) -> None:
    answer = client_of(GUARDED).get(path, headers=as_(token))
    assert answer.status_code == status
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    assert answer.json()["scope"] == scope


@pytest.mark.parametrize("path", ["/mine", "/checked"])
@pytest.mark.parametrize(
    "headers",
    [
        as_("reader"),
        as_("nobody"),
        as_("unknown"),
        {},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer a b"},
        {"Authorization": "Bearer reader, Bearer reader"},
        {"X-API-Key": "reader"},
        {"X-API-Key": "unknown"},
    ],
    ids=str,
)
def test_security_answers_the_same_with_the_middleware_and_without(path: str, headers: dict[str, str]) -> None:
    below, alone = (client_of(app).get(path, headers=headers) for app in (GUARDED, UNGUARDED))
    assert (alone.status_code, sorted(alone.headers.multi_items()), alone.content) == (
        below.status_code,
        sorted(below.headers.multi_items()),
        below.content,
    )


def test_each_challenge_is_a_line_of_its_own_without_middleware_too() -> None:
    answer = client_of(UNGUARDED).get("/mine")
    assert answer.headers.get_list("www-authenticate") == [
        'Bearer realm="shop"',
        'ApiKey realm="shop", header="X-API-Key"',
    ]


def test_a_handler_of_the_application_for_the_status_cannot_drop_the_challenge() -> None:
    app = make_app()

    @app.exception_handler(401)
    @app.exception_handler(HTTPException)
    async def handler(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"mine": True}, 401)

    assert client_of(app).get("/mine").headers["www-authenticate"]


def test_nobody_gets_in_by_the_middleware_s_forms_where_there_is_no_middleware() -> None:
    with pytest.raises(ConfigurationError, match="FastAPIAuth"):
        client_of(UNGUARDED).get("/items", headers=as_("reader"))


def test_without_middleware_code_below_knows_who_is_calling_and_may_refuse_as_well() -> None:
    app = FastAPI()

    @app.get("/required")
    def required(principal: Annotated[Principal, Security(AUTH)]) -> None:
        current_principal().require("items:write")

    @app.get("/decorated", dependencies=[Security(AUTH)])
    @requires_scopes("items:write")
    async def decorated() -> str:
        return current_principal().id

    client = client_of(app)
    for path in ("/required", "/decorated"):
        assert client.get(path, headers=as_("reader")).status_code == 403
        assert client.get(path, headers=as_("writer")).status_code == 200
    assert not current_principal().is_authenticated


def test_what_one_request_proved_does_not_outlast_it_without_middleware() -> None:
    seen: list[str] = []
    app = FastAPI()

    @app.get("/mine")
    async def mine(principal: Annotated[Principal, Security(AUTH)]) -> None:
        seen.append(current_principal().id)

    async def ask(*headers: tuple[bytes, bytes]) -> int:
        statuses: list[int] = []
        scope = {"type": "http", "method": "GET", "path": "/mine", "query_string": b"", "headers": list(headers)}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        await app(scope, receive, send)
        return statuses[0]

    async def one_after_the_other() -> list[int]:
        # In one task, as no server does: whatever is left in the context is there the next time.
        return [await ask((b"authorization", b"Bearer reader")), await ask()]

    assert asyncio.run(one_after_the_other()) == [200, 401]
    assert seen == ["alice"]


def test_an_application_that_calls_itself_as_somebody_else_is_asked_again() -> None:
    app = FastAPI()

    @app.get("/mine")
    async def mine(principal: Annotated[Principal, Security(AUTH)]) -> str:
        return principal.id

    @app.get("/batch")
    async def batch(request: Request, principal: Annotated[Principal, Security(AUTH)]) -> list[int]:
        statuses: list[int] = []

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        await app({**request.scope, "path": "/mine", "raw_path": b"/mine", "headers": []}, request.receive, send)
        return statuses[:1]

    assert client_of(app).get("/batch", headers=as_("reader")).json() == [401]


def test_the_body_is_not_read_before_somebody_is_authenticated() -> None:
    async def ask() -> int:
        statuses: list[int] = []
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/items", "query_string": b"", "headers": []}

        async def receive() -> dict[str, Any]:
            raise AssertionError("the body was read")

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        await GUARDED(scope, receive, send)
        return statuses[0]

    assert asyncio.run(ask()) == 401


def test_an_invalid_body_of_a_stranger_is_a_401_and_no_422() -> None:
    for app in (GUARDED, UNGUARDED):
        assert client_of(app).post("/items", json={}).status_code == 401
        assert client_of(app).post("/items", json={}, headers=as_("reader")).status_code == 403
        assert client_of(app).post("/items", json={}, headers=as_("writer")).status_code == 422
        assert client_of(app).post("/items", json={"name": "tea"}, headers=as_("writer")).json() == "carol tea"


def test_scopes_accumulate_down_the_tree_as_in_fastapi() -> None:
    app = FastAPI()

    async def leaf(principal: Annotated[Principal, Security(AUTH, scopes=["c"])]) -> Principal:
        return principal

    async def middle(principal: Annotated[Principal, fastapi.Security(leaf, scopes=["b"])]) -> Principal:
        return principal

    @app.get("/", dependencies=[fastapi.Security(middle, scopes=["a"])])
    async def index() -> None: ...

    assert 'scope="a b c"' in client_of(app).get("/").headers["www-authenticate"]


def test_another_auth_is_needed_beside_that_of_the_middleware() -> None:
    app = FastAPI()
    keys = Auth(APIKeyHeader("X-Machine", {"k": Principal("machine")}.get, name="Machines"), realm="machines")

    @app.get("/both")
    async def both(one: CurrentPrincipal, two: Annotated[Principal, Security(keys)]) -> list[str]:
        return [one.id, two.id, current_principal().id]

    app.add_middleware(AuthMiddleware, auth=make_auth())
    client = client_of(app)
    assert client.get("/both", headers={**as_("reader"), "X-Machine": "k"}).json() == ["alice", "machine", "alice"]
    assert client.get("/both", headers=as_("reader")).headers["www-authenticate"].startswith('ApiKey realm="machines"')
    assert client.get("/both", headers={"X-Machine": "k"}).headers["www-authenticate"].startswith('Bearer realm="shop"')


def test_what_a_scheme_owes_the_client_is_sent_without_middleware_too() -> None:
    class Owing:
        def verify(self, credentials: Any, request: RequestHead) -> Authenticated:
            return Authenticated(Principal("alice"), headers=(("Authentication-Info", 'rspauth="1"'),))

    auth = Auth(HTTPBearer(Owing()))
    app = FastAPI()

    @app.get("/", dependencies=[Security(auth)])
    async def index() -> None: ...

    assert client_of(app).get("/", headers=as_("any")).headers["authentication-info"] == 'rspauth="1"'


def test_a_store_that_is_down_is_a_503_with_retry_after() -> None:
    def lookup(token: str) -> Principal:
        raise StoreUnavailable("down")

    app = FastAPI()

    @app.get("/")
    async def index(principal: Annotated[Principal, Security(Auth(HTTPBearer(lookup)))]) -> None: ...

    answer = client_of(app).get("/", headers=as_("any"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_streaming_body_knows_who_is_calling() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(principal: CurrentPrincipal) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            yield current_principal().id

        return StreamingResponse(body())

    app.add_middleware(AuthMiddleware, auth=AUTH)
    assert client_of(app).get("/", headers=as_("reader")).text == "alice"


def socket_app(*, behind_middleware: bool) -> FastAPI:
    app = FastAPI()

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, principal: Annotated[Principal, Security(AUTH, scopes=["items"])]) -> None:
        await websocket.accept()
        await websocket.send_text(principal.id)
        await websocket.close()

    @app.websocket("/scoped")
    async def scoped(websocket: WebSocket, principal: Annotated[Principal, Security(AUTH)]) -> None:
        await websocket.accept()
        current_principal().require("items:write")

    if behind_middleware:
        FastAPIAuth(app, AUTH)
    return app


@pytest.mark.parametrize("behind_middleware", [True, False])
def test_websockets_are_let_through_or_denied_before_they_are_accepted(behind_middleware: bool) -> None:
    client = client_of(socket_app(behind_middleware=behind_middleware))
    with client.websocket_connect("/socket", headers=as_("reader")) as session:
        assert session.receive_text() == "alice"
    for token, status in (("", 401), ("unknown", 401), ("nobody", 403)):
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect("/socket", headers=as_(token)),
        ):
            pass
        assert refused.value.status_code == status
        assert refused.value.headers["www-authenticate"]


@pytest.mark.parametrize("behind_middleware", [True, False])
def test_a_websocket_that_was_accepted_is_closed(behind_middleware: bool) -> None:
    client = client_of(socket_app(behind_middleware=behind_middleware))
    with (
        client.websocket_connect("/scoped", headers=as_("reader")) as session,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        session.receive_text()
    assert closed.value.code == 1008


@pytest.mark.parametrize("behind_middleware", [True, False])
def test_where_the_server_cannot_deny_a_websocket_it_is_closed(behind_middleware: bool) -> None:
    app = socket_app(behind_middleware=behind_middleware)

    async def without_extension(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {}}, receive, send)

    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client_of(without_extension).websocket_connect("/socket", headers=as_("nobody")),
    ):
        pass
    assert closed.value.code == 1008


@pytest.mark.parametrize("app", [GUARDED, UNGUARDED], ids=["guarded", "unguarded"])
def test_a_test_replaces_the_caller_and_scopes_are_checked_all_the_same(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = {
        caller: lambda: Principal("test", scopes={"items", "items:read"}),
        caller_by(AUTH): lambda: Principal("test", scopes={"items", "items:read"}),
    }
    monkeypatch.setattr(app, "dependency_overrides", replaced)
    client = client_of(app)
    for path in ("/me", "/anyone", "/items", "/router/items", "/mine"):
        assert client.get(path).json() == "test", path
    assert client.get("/checked").status_code == 200
    assert client.get("/either").status_code == 403


def test_replacing_the_caller_opens_nothing_that_asks_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GUARDED, "dependency_overrides", {caller: lambda: Principal("test", scopes={"items"})})
    client = client_of(GUARDED)
    assert client.get("/undeclared").status_code == 401
    assert client.get("/router/decorated").status_code == 401
    assert client.get("/mine").status_code == 401


def test_a_whole_dependency_can_be_replaced_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UNGUARDED, "dependency_overrides", {checked: lambda: Principal("test")})
    assert client_of(UNGUARDED).get("/checked").json().startswith("test")


def test_a_dependency_of_a_dependency_opens_nothing() -> None:
    app = FastAPI()

    def limited(principal: OptionalPrincipal) -> None: ...

    @app.get("/limited", dependencies=[Depends(limited)])
    async def limited_route() -> None: ...

    @app.get("/borrowed", dependencies=[Depends(public(lambda: None))])
    async def borrowed() -> None: ...

    app.add_middleware(AuthMiddleware, auth=AUTH)
    assert [client_of(app).get(path).status_code for path in ("/limited", "/borrowed")] == [401, 401]


def test_an_optional_principal_does_not_open_what_something_else_closes() -> None:
    app = FastAPI(dependencies=[Scopes("items")])

    @app.get("/")
    async def index(principal: OptionalPrincipal) -> None: ...

    app.add_middleware(AuthMiddleware, auth=AUTH)
    client = client_of(app)
    assert [client.get("/", headers=as_(token)).status_code for token in ("", "nobody", "reader")] == [401, 403, 200]


def test_a_public_endpoint_with_a_dependency_that_needs_somebody_is_not_public() -> None:
    app = FastAPI()

    @app.get("/")
    @public
    async def index(principal: CurrentPrincipal) -> None: ...

    app.add_middleware(AuthMiddleware, auth=AUTH)
    assert client_of(app).get("/").status_code == 401


def test_a_public_path_is_not_open_where_a_dependency_needs_somebody() -> None:
    app = FastAPI()

    @app.get("/open")
    async def index(principal: CurrentPrincipal) -> None: ...

    app.add_middleware(AuthMiddleware, auth=AUTH, public=["/open"])
    assert client_of(app).get("/open").status_code == 401


def test_anything_else_goes_to_fastapi_s_own_security() -> None:
    app = FastAPI()

    @app.get("/")
    async def index(credentials: Annotated[Any, Security(PlainBearer(), scopes=["a"])]) -> str:
        return str(credentials.credentials)

    assert client_of(app).get("/", headers=as_("any")).json() == "any"


@pytest.mark.parametrize(
    "mistake, fix",
    [
        (Scopes, "CurrentPrincipal"),
        (lambda: Scopes("a b"), "a b"),
        (lambda: Security(AUTH, scopes="items"), "write ['items']"),
        (lambda: Security(AUTH, scopes=["a b"]), "a b"),
    ],
)
def test_mistakes_are_told_where_they_are_written(mistake: Any, fix: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        mistake()
    assert fix in str(error.value)

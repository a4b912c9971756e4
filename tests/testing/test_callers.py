"""Callers of tests: whatever the `Auth` and the client, requests are theirs, and the engine decides as it does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, cast

import httpx
import httpx2
import pytest
import werkzeug.test
from authmw_fastapi import FastAPIAuth, Scopes, Security
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    InheritedAuth,
    JWTVerifier,
    KeyRing,
    OpenIdConnect,
    PasswordVerifier,
    Principal,
    TrustedHeader,
    current_principal,
    issue,
    public,
    requires,
    requires_scopes,
)
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.stores import MemoryApiKeys
from authmw.testing import AsUser, Caller, assert_refused
from tests.schemes.test_session import Bench


def away(*_: object) -> NoReturn:
    raise OSError("the store is away")


class Away:
    """Stores of a database that is down."""

    find = find_key = touch_key = away


def jwt() -> JWTVerifier:
    return JWTVerifier(KeyRing.generate(), issuer="https://me.example", audience="orders")


KINDS: dict[str, Callable[[], Any]] = {
    "a function": lambda: HTTPBearer(away),
    "tokens": lambda: HTTPBearer(jwt()),
    "passwords": lambda: HTTPBasic(PasswordVerifier(cast("Any", Away()))),
    "API keys": lambda: APIKeyHeader("X-API-Key", ApiKeyVerifier(cast("Any", Away()))),
    "a cookie": lambda: APIKeyCookie("key", ApiKeyVerifier(cast("Any", Away()))),
    "an issuer": lambda: OpenIdConnect("https://id.invalid", audience="orders"),
    "a proxy": lambda: TrustedHeader("X-Remote-User", proxies=["10.0.0.1"]),
    "one of two": lambda: HTTPBearer(jwt()) | HTTPBasic(PasswordVerifier(cast("Any", Away()))),
    "both": lambda: APIKeyHeader("X-API-Key", ApiKeyVerifier(cast("Any", Away()))) & HTTPBearer(jwt()),
    "nothing that verifies": HTTPBearer,
}


def shop(auth: Auth, **options: Any) -> Flask:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, auth, **options)

    @app.get("/orders")
    @requires_scopes("orders:read")
    def orders() -> dict[str, str]:
        return {"hello": current_principal().id}

    @app.get("/mine/<owner>")
    @requires(lambda principal, request: principal.id == request.path_params["owner"])
    def mine(owner: str) -> str:
        return owner

    @app.get("/front")
    @public
    def front() -> str:
        return current_principal().id

    @app.get("/api/any")
    def any_() -> str:
        return "any"

    return app


def api(auth: Auth) -> Starlette:
    @requires_scopes("orders:read")
    async def orders(request: Request) -> JSONResponse:
        return JSONResponse({"hello": request.user.id})

    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(websocket.user.id)
        await websocket.close()

    app = Starlette(routes=[Route("/orders", orders), WebSocketRoute("/live", live)])
    app.add_middleware(AuthMiddleware, auth=auth)
    return app


@pytest.fixture
def client() -> werkzeug.test.Client:
    return shop(Auth(HTTPBearer(away)), needs={"/api/*": "api"}).test_client()


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_auth_the_requests_of_the_block_are_the_users(kind: str, as_user: AsUser) -> None:
    auth = Auth(KINDS[kind]())
    wsgi, asgi = shop(auth).test_client(), TestClient(api(auth))
    with as_user("alice", "orders:read"):
        assert wsgi.get("/orders").json == {"hello": "alice"}
        assert asgi.get("/orders").json() == {"hello": "alice"}
    with as_user("bob"):
        for response in (wsgi.get("/orders"), asgi.get("/orders")):
            assert_refused(response, scope="orders:read")
    assert_refused(wsgi.get("/orders"), status=401)


def test_the_engine_decides_all_the_rest(client: werkzeug.test.Client, as_user: AsUser) -> None:
    with as_user("alice", "orders:read"):
        assert client.get("/mine/alice").status_code == 200
        assert_refused(client.get("/mine/bob"), status=403, code="authmw.forbidden")
        assert_refused(client.get("/api/any"), scope="api")
        assert client.get("/front").text == "alice"
        assert client.get("/nope").status_code == 404
    with as_user("alice", "api"):
        assert client.get("/api/any").status_code == 200


def test_a_refusal_of_a_caller_is_as_in_production(as_user: AsUser, caplog: pytest.LogCaptureFixture) -> None:
    auth = Auth(HTTPBearer({"t0ken": Principal("bob")}.get))
    client = shop(auth).test_client()
    with caplog.at_level(logging.INFO, "authmw.audit"):
        real = client.get("/orders", headers={"Authorization": "Bearer t0ken"})
        kit = as_user("bob").through(client).get("/orders")
    assert (kit.status, kit.data, list(kit.headers)) == (real.status, real.data, list(real.headers))
    assert caplog.messages[0] == caplog.messages[1]


def test_nobody_is_nobody_inside_of_a_block_and_with_credentials(as_user: AsUser, anonymous: Caller) -> None:
    client = shop(Auth(HTTPBearer({"t0ken": Principal("bob", scopes={"orders:read"})}.get))).test_client()
    headers = {"Authorization": "Bearer t0ken"}
    assert client.get("/orders", headers=headers).status_code == 200
    with as_user("alice", "orders:read"), anonymous:
        assert_refused(client.get("/orders", headers=headers), status=401, code="authmw.credentials-missing")
        assert client.get("/front").text == ""
    assert_refused(anonymous.through(client).get("/orders", headers=headers), status=401)


def test_blocks_are_nested_and_end(client: werkzeug.test.Client, as_user: AsUser) -> None:
    alice = as_user("alice")
    with alice, as_user("bob"), alice:
        assert client.get("/front").text == "alice"
    with alice:
        with as_user("bob"):
            assert client.get("/front").text == "bob"
        assert client.get("/front").text == "alice"
    assert client.get("/front").text == ""


def test_without_a_client_the_fixture_client_is_asked_and_stays_as_it_is(
    client: werkzeug.test.Client, as_user: AsUser, anonymous: Caller
) -> None:
    answer: TestResponse = as_user("alice", "orders:read").get("/orders")
    assert answer.json == {"hello": "alice"}
    assert_refused(anonymous.get("/orders"), status=401)
    assert client.get("/front").text == ""


def test_two_people_have_cookies_of_their_own(as_user: AsUser) -> None:
    app = shop(Auth(HTTPBearer(away)))
    app.secret_key = "for a test"

    @app.get("/seen")
    def seen() -> str:
        from flask import session

        before = str(session.get("who", ""))
        session["who"] = current_principal().id
        return before

    alice = as_user("alice").through(app.test_client())
    bob = as_user("bob").through(alice)
    assert [alice.get("/seen").text, bob.get("/seen").text, alice.get("/seen").text] == ["", "", "alice"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("entered", [False, True], ids=["as it is", "entered"])
def test_clients_of_starlette_and_their_websockets(backend: Any, entered: bool, as_user: AsUser) -> None:
    client = TestClient(api(Auth(HTTPBearer(away))), backend=backend, headers={"Authorization": "Bearer x"})
    if entered:
        client.__enter__()
    try:
        bob = as_user("bob").through(client)
        assert_refused(bob.get("/orders"), scope="orders:read")
        with as_user("alice", "orders:read"):
            assert client.get("/orders").json() == {"hello": "alice"}
            with client.websocket_connect("/live") as socket:
                assert socket.receive_text() == "alice"
            with bob.websocket_connect("/live") as socket:
                assert socket.receive_text() == "bob"
        del client.headers["Authorization"]
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/live"):
            pass
        assert_refused(refused.value, status=401)
    finally:
        if entered:
            client.__exit__()


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_clients_of_httpx_also_several_at_once(library: Any, as_user: AsUser) -> None:
    auth = Auth(HTTPBearer(away))

    async def ask() -> None:
        transport = library.ASGITransport(api(auth))
        async with library.AsyncClient(transport=transport, base_url="http://test") as client:
            users = [as_user(name, "orders:read").through(client) for name in ("alice", "bob", "carol")]
            answers = await asyncio.gather(*(user.get("/orders") for user in users))
            assert [answer.json()["hello"] for answer in answers] == ["alice", "bob", "carol"]
            with as_user("dave", "orders:read"):
                assert (await client.get("/orders")).json() == {"hello": "dave"}
            async with as_user("eve").through(client).stream("GET", "/orders") as answer:
                await answer.aread()
                assert_refused(answer, scope="orders:read")

    asyncio.run(ask())
    with library.Client(transport=library.WSGITransport(shop(auth)), base_url="http://test") as client:
        assert as_user("alice", "orders:read").through(client).get("/orders").json() == {"hello": "alice"}
        assert_refused(client.get("/orders"), status=401)


def test_a_client_of_werkzeug(as_user: AsUser) -> None:
    client = as_user("alice", "orders:read").through(werkzeug.test.Client(shop(Auth(HTTPBearer(away)))))
    assert client.get("/orders", headers={"Authorization": "Bearer x"}).json == {"hello": "alice"}


AWAY = Auth(HTTPBearer(away))


def test_dependencies_of_fastapi_are_enforced(as_user: AsUser) -> None:
    app = FastAPI()
    FastAPIAuth(app, Auth(HTTPBearer(away)))

    @app.get("/orders")
    async def orders(principal: Annotated[Principal, Scopes("orders:read")]) -> str:
        return principal.id

    unguarded = FastAPI()

    @unguarded.get("/orders")
    async def orders_too(principal: Annotated[Principal, Security(AWAY, scopes=["orders:read"])]) -> str:
        return principal.id

    for each in (app, unguarded):
        with as_user("alice", "orders:read"):
            assert TestClient(each).get("/orders").json() == "alice"
        with as_user("alice", "orders"):
            assert_refused(TestClient(each).get("/orders"), scope="orders:read")


@pytest.mark.servers
def test_a_server_on_another_thread_in_this_process(as_user: AsUser) -> None:
    server = make_server("127.0.0.1", 0, shop(Auth(HTTPBearer(away))), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as client:
            assert as_user("alice", "orders:read").through(client).get("/orders").json() == {"hello": "alice"}
            assert_refused(as_user("bob").through(client).get("/orders"), scope="orders:read")
            with as_user("alice", "orders:read"):  # the thread has a context of its own
                assert_refused(client.get("/orders"), status=401)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_program_inside_of_another_one_has_its_caller(as_user: AsUser) -> None:
    auth = Auth(HTTPBearer(away))
    outer, inner = Flask("outer"), shop(InheritedAuth(auth))
    outer.wsgi_app = inner.wsgi_app  # type: ignore[method-assign]
    FlaskAuth(outer, auth)
    with as_user("alice", "orders:read"):
        assert outer.test_client().get("/orders").json == {"hello": "alice"}
        # Nothing is in front of it, so that nobody is there in production either.
        assert_refused(inner.test_client().get("/orders"), status=401)


class Own(Auth):
    """An `Auth` with its own way to authenticate."""

    def authenticate(self, request: RequestHead) -> Authentication | Refusal:
        raise AssertionError("it was asked")


def test_an_auth_of_your_own_class_is_met_too(as_user: AsUser) -> None:
    with as_user("alice", "orders:read"):
        assert shop(Own(HTTPBearer(away))).test_client().get("/orders").json == {"hello": "alice"}


def test_a_token_that_the_middleware_remembers_is_not_taken_first(as_user: AsUser) -> None:
    keys = KeyRing.generate()
    token = issue("root", keys=keys, issuer="https://me.example", audience="orders", scopes=["orders:read"])
    client = shop(Auth(HTTPBearer(JWTVerifier(keys, issuer="https://me.example", audience="orders")))).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert [client.get("/orders", headers=headers).json for _ in range(2)] == [{"hello": "root"}] * 2
    with as_user("alice"):
        assert_refused(client.get("/orders", headers=headers), scope="orders:read")
    assert_refused(as_user("bob").through(client).get("/orders", headers=headers), scope="orders:read")


def test_a_session_that_the_middleware_remembers_is_not_taken_first(as_user: AsUser) -> None:
    bench = Bench()
    client = shop(bench.auth).test_client(use_cookies=False)
    headers = {"Cookie": f"{bench.scheme.cookie}={bench.token.text}"}
    assert [client.get("/orders", headers=headers).json for _ in range(2)] == [{"hello": "7"}] * 2
    with as_user("alice"):
        assert_refused(client.get("/orders", headers=headers), scope="orders:read")
    assert_refused(as_user("bob").through(client).get("/orders", headers=headers), scope="orders:read")
    bench.feed.close()


def test_a_key_that_the_middleware_finds_good_is_not_taken_first(as_user: AsUser) -> None:
    keys = MemoryApiKeys()
    key, _ = keys.create("root", ["orders:read"])
    client = shop(Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys)))).test_client()
    headers = {"X-API-Key": key}
    assert [client.get("/orders", headers=headers).json for _ in range(3)] == [{"hello": "root"}] * 3
    with as_user("alice"):
        assert_refused(client.get("/orders", headers=headers), scope="orders:read")
    assert_refused(as_user("bob").through(client).get("/orders", headers=headers), scope="orders:read")


def test_a_token_in_a_message_is_verified(as_user: AsUser) -> None:
    auth = Auth(HTTPBearer({"t0ken": Principal("root")}.get))
    with as_user("alice"):
        assert auth.verify_token("t0ken").id == "root"


def test_more_of_the_principal(client: werkzeug.test.Client, as_user: AsUser) -> None:
    caller = as_user("alice", "a", claims={"tenant": "acme"}, kind="client")
    assert (caller.principal.claims["tenant"], caller.principal.kind) == ("acme", "client")
    assert as_user(Principal("bob", scopes={"b"})).principal.scopes == {"b"}
    assert as_user("carol", "a", scopes={"b", "c"}).principal.scopes == {"a", "b", "c"}
    assert repr(caller) == "Caller(Principal(id='alice', kind='client', scopes=['a']))"
    assert caller.token not in repr(caller)


MISTAKES: list[tuple[Callable[[AsUser], object], str]] = [
    (lambda as_user: as_user("alice", cast("Any", ["orders:read"])), "scope"),
    (lambda as_user: as_user("alice", scopes="orders:read"), 'scopes={"orders:read"}'),
    (lambda as_user: as_user(Principal("alice"), "orders:read"), 'as_user(Principal("alice"'),
    (lambda as_user: as_user("alice").through(object()), "write `with as_user(...):` around its requests"),
    (lambda as_user: as_user("alice").through(Flask("shop")), "through() takes a test client"),
]


@pytest.mark.parametrize(
    "ask, sentence",
    MISTAKES,
    ids=["a list of scopes", "a string", "scopes twice", "no client", "an application"],
)
def test_a_mistake_is_told_with_the_line_to_write(ask: Any, sentence: str, as_user: AsUser) -> None:
    with pytest.raises(ConfigurationError) as told:
        ask(as_user)
    assert sentence in str(told.value)

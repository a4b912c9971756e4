"""A program that is mounted in one of the other kind has the caller of the outer one, and verifies nothing."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.sync import async_to_sync
from asgiref.wsgi import WsgiToAsgi
from authmw_fastapi import FastAPIAuth
from authmw_flask import FlaskAuth
from authmw_starlette import AuthMiddleware as StarletteMiddleware
from fastapi import FastAPI
from flask import Flask, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from authmw import (
    APIKeyHeader,
    Auth,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    HTTPDPoP,
    InheritedAuth,
    Principal,
    RequestHead,
    Requirement,
    Unavailable,
    acting_as,
    current_principal,
    public,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIGuard
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Decision
from authmw.http.request import Message, Receive, Scope, Send
from authmw.wsgi import AuthMiddleware as WSGIGuard
from tests.contract.cases import NOBODY, Case
from tests.contract.clients import ask_asgi, ask_wsgi, scope_of
from tests.dpop_proofs import bound_token, dpop_verifier, proof

with warnings.catch_warnings():  # they are deprecated, and programs have them
    warnings.simplefilter("ignore")
    from starlette.middleware.wsgi import WSGIMiddleware as StarletteBridge
    from uvicorn.middleware.wsgi import _WSGIMiddleware as BridgeWithoutContext  # pyright: ignore[reportPrivateUsage]

# Each of the libraries has types of its own for the same interface.
TO_WSGI: Final[Any] = ASGIMiddleware
WITHOUT_CONTEXT: Final[Any] = BridgeWithoutContext

PEOPLE: Final = {"alice": Principal("alice", scopes={"read"}), "bob": Principal("bob")}


BRIDGES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "asgiref": WsgiToAsgi,
    "a2wsgi": WSGIMiddleware,
    "starlette": StarletteBridge,
}


@pytest.fixture(params=BRIDGES)
def bridge(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return BRIDGES[request.param]


class Tokens:
    """A lookup that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, token: str) -> Principal | None:
        self.asked.append(token)
        return PEOPLE.get(token)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def auth(tokens: Tokens) -> Auth:
    return Auth(HTTPBearer(tokens) | HTTPBasic(lambda username, password: Principal("basic")), realm="shop")


def told(environ: Any) -> dict[str, object]:
    """What a WSGI program is told of its caller."""
    principal, scopes = environ.get("authmw.principal"), environ.get("authmw.scopes")
    return {
        "principal": getattr(principal, "id", None),
        "scopes": None if scopes is None else sorted(scopes),
        "REMOTE_USER": environ.get("REMOTE_USER"),
        "AUTH_TYPE": environ.get("AUTH_TYPE"),
        "current": current_principal().id,
    }


ALICE: Final = {
    "principal": "alice",
    "scopes": ["read"],
    "REMOTE_USER": "alice",
    "AUTH_TYPE": "Bearer",
    "current": "alice",
}
STRANGER: Final[dict[str, object]] = {
    "principal": "",
    "scopes": [],
    "REMOTE_USER": None,
    "AUTH_TYPE": None,
    "current": "",
}


def plain(environ: Any, start_response: Any) -> Iterator[bytes]:
    """A WSGI program that tells what it is told, before its response starts and while it streams."""
    start_response("200 OK", [("Content-Type", "application/json")])
    yield json.dumps(told(environ)).encode()
    yield b"\n" + current_principal().id.encode()


def flask_app() -> Flask:
    app = Flask("old")

    @app.get("/told")
    def tell() -> dict[str, object]:
        return told(request.environ)

    @app.get("/orders")
    @requires_scopes("read")
    def orders() -> str:
        return current_principal().id

    @app.get("/stream")
    def stream() -> Any:
        def chunks() -> Iterator[str]:
            yield current_principal().id
            yield current_principal().id

        return chunks()

    @app.get("/health")
    @public
    def health() -> str:
        return current_principal().id or "nobody"

    @app.get("/down")
    def down() -> str:
        raise Unavailable("no database")

    @app.get("/bug")
    def bug() -> str:
        raise ZeroDivisionError

    return app


def asked(path: str, token: str = "", *headers: tuple[bytes, bytes]) -> Case:
    authorization = ((b"Authorization", f"Bearer {token}".encode()),) if token else ()
    return Case("", NOBODY, headers=(*authorization, *headers), target=path)


def in_asgi(auth: Auth, app: Any, bridge: Callable[[Any], Any], **options: Any) -> Any:
    """An ASGI application, guarded by `auth`, in which a WSGI application is mounted at ``/old``."""
    return ASGIGuard(Starlette(routes=[Mount("/old", app=bridge(app))]), auth, **options)


FORGED: Final = (
    *((b"Remote-User", b"eve"), (b"X-Remote-User", b"eve"), (b"Auth-Type", b"Bearer"), (b"authmw.principal", b"eve")),
    *((b"authmw-principal", b"eve"), (b"authmw_principal", b"eve"), (b"REMOTE_USER", b"eve")),
)


class TestWSGIInASGI:
    def test_a_program_is_told_the_caller(self, auth: Auth, tokens: Tokens, bridge: Callable[[Any], Any]) -> None:
        app = in_asgi(auth, WSGIGuard(plain, InheritedAuth(auth)), bridge)
        answer = ask_asgi(app, asked("/old/", "alice", *FORGED))
        said, streamed = answer.body.split(b"\n")
        assert (answer.status, json.loads(said), streamed) == (200, ALICE, b"alice")
        assert answer.vary == "Authorization"
        assert tokens.asked == ["alice"]

    def test_headers_that_a_client_sends_make_nobody(self, auth: Auth, bridge: Callable[[Any], Any]) -> None:
        inner = WSGIGuard(plain, InheritedAuth(auth), public=["/*"])
        app = in_asgi(auth, inner, bridge, public=["/old/*"])
        answer = ask_asgi(app, asked("/old/x", "", *FORGED))
        assert (answer.status, json.loads(answer.body.split(b"\n")[0])) == (200, STRANGER)

    def test_flask_enforces_what_its_views_declare(
        self, auth: Auth, tokens: Tokens, bridge: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        old = flask_app()
        FlaskAuth(old, InheritedAuth(auth))
        app = in_asgi(auth, old, bridge)
        assert ask_asgi(app, asked("/old/orders", "alice")).body == b"alice"
        assert ask_asgi(app, asked("/old/stream", "alice")).body == b"alicealice"
        assert json.loads(ask_asgi(app, asked("/old/told", "alice", *FORGED)).body) == ALICE
        refused = ask_asgi(app, asked("/old/orders", "bob"))
        assert (refused.status, refused.challenges) == (
            403,
            ('Bearer realm="shop", error="insufficient_scope", scope="read"',),
        )
        assert (refused.vary, refused.cache_control) == ("Authorization", "no-store")
        assert tokens.asked == ["alice", "alice", "alice", "bob"]
        assert not [record for record in caplog.records if record.levelname == "ERROR"]

    def test_refusals_are_those_of_an_application_that_is_not_mounted(
        self, auth: Auth, bridge: Callable[[Any], Any]
    ) -> None:
        alone, inside = flask_app(), flask_app()
        FlaskAuth(alone, auth)
        FlaskAuth(inside, InheritedAuth(auth))
        app = in_asgi(auth, inside, bridge)
        for path, token in (("/orders", "bob"), ("/orders", "bad"), ("/nowhere", "bad")):
            assert ask_asgi(app, asked(f"/old{path}", token)) == ask_wsgi(alone, asked(path, token))

    def test_what_the_outer_program_opens_the_inner_one_still_closes(
        self, auth: Auth, bridge: Callable[[Any], Any]
    ) -> None:
        old = flask_app()
        FlaskAuth(old, InheritedAuth(auth))
        app = in_asgi(auth, old, bridge, public=["/old/*"])
        statuses = {
            path: ask_asgi(app, asked(f"/old{path}")).status for path in ("/health", "/told", "/orders", "/nowhere")
        }
        assert statuses == {"/health": 200, "/told": 401, "/orders": 401, "/nowhere": 401}
        assert ask_asgi(app, asked("/old/health", "bad")).status == 401

    def test_a_caller_whose_credentials_are_hidden_is_known_inside(
        self, auth: Auth, bridge: Callable[[Any], Any]
    ) -> None:
        app = in_asgi(auth, WSGIGuard(plain, InheritedAuth(auth)), bridge, hide_credentials=True)
        assert json.loads(ask_asgi(app, asked("/old/", "alice")).body.split(b"\n")[0]) == ALICE
        assert ask_asgi(app, asked("/old/")).status == 401

    def test_a_part_that_is_left_alone_has_no_caller_inside(self, auth: Auth, bridge: Callable[[Any], Any]) -> None:
        app = in_asgi(auth, WSGIGuard(plain, InheritedAuth(auth), public=["/open"]), bridge, leave=["/old/*"])
        assert ask_asgi(app, asked("/old/x", "alice", *FORGED)).status == 401
        assert json.loads(ask_asgi(app, asked("/old/open", "", *FORGED)).body.split(b"\n")[0]) == STRANGER

    def test_rules_of_the_inner_program_are_met_by_the_outer_caller(
        self, auth: Auth, bridge: Callable[[Any], Any]
    ) -> None:
        app = in_asgi(auth, WSGIGuard(plain, InheritedAuth(auth), needs={"/*": "read"}), bridge)
        assert [ask_asgi(app, asked("/old/x", token)).status for token in ("alice", "bob", "")] == [200, 403, 401]

    def test_outages_and_bugs_stay_what_they_are(self, auth: Auth, bridge: Callable[[Any], Any]) -> None:
        old = flask_app()
        FlaskAuth(old, InheritedAuth(auth))
        app = in_asgi(auth, old, bridge)
        down = ask_asgi(app, asked("/old/down", "alice"))
        assert (down.status, down.retry_after) == (503, "5")
        assert ask_asgi(app, asked("/old/bug", "alice")).status == 500
        assert ask_asgi(app, asked("/old/told", "alice")).status == 200

    def test_requests_at_the_same_time_keep_their_callers(self, auth: Auth, bridge: Callable[[Any], Any]) -> None:
        # After this, in asgiref 3.8, all tasks see the executor of one of them, and may use it when that has ended.
        async_to_sync(asyncio.sleep)(0)
        together = threading.Barrier(2, timeout=20)

        def slow(environ: Any, start_response: Any) -> Iterator[bytes]:
            name = environ["QUERY_STRING"]
            if bridge is not WsgiToAsgi:  # it has one thread for all
                together.wait()
            start_response("200 OK", [])
            yield b"same" if told(environ)["principal"] == current_principal().id == name else b"other"
            yield b"same" if current_principal().id == name else b"other"

        app = in_asgi(auth, WSGIGuard(slow, InheritedAuth(auth)), bridge)

        async def one(name: str) -> bytes:
            sent: list[Message] = []

            async def receive() -> Message:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Message) -> None:
                sent.append(message)

            await app(scope_of(asked(f"/old/?{name}", name)), receive, send)
            return b"".join(message.get("body", b"") for message in sent)

        async def many() -> list[bytes]:
            asked_for = asyncio.gather(*(one(name) for _ in range(10) for name in ("alice", "bob")))
            return await asyncio.wait_for(asked_for, 60)  # not for ever

        assert asyncio.run(many()) == [b"samesame"] * 20

    def test_a_thread_has_no_caller_after_its_request(self, auth: Auth, bridge: Callable[[Any], Any]) -> None:
        seen: list[str] = []

        def noting(environ: Any, start_response: Any) -> list[bytes]:
            seen.append(current_principal().id)
            start_response("200 OK", [])
            return [b""]

        app = in_asgi(auth, WSGIGuard(noting, InheritedAuth(auth), default="allow"), bridge, default="allow")
        for _ in range(12):
            ask_asgi(app, asked("/old/", "alice"))
            ask_asgi(app, asked("/old/"))
        assert seen == ["alice", ""] * 12


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/told")
    async def tell(request: Request) -> dict[str, object]:
        principal, user = request.scope.get("authmw.principal"), request.scope.get("user")
        return {
            "principal": getattr(principal, "id", None),
            "scopes": sorted(request.scope.get("authmw.scopes", ["none"])),
            "user": getattr(user, "id", None),
            "current": current_principal().id,
        }

    @app.get("/sync")
    def in_a_thread() -> str:
        return current_principal().id

    @app.get("/orders")
    @requires_scopes("read")
    async def orders() -> str:
        return current_principal().id

    @app.get("/health")
    @public
    async def health() -> str:
        return current_principal().id or "nobody"

    return app


class TestASGIInWSGI:
    @pytest.fixture
    def app(self, auth: Auth) -> Any:
        inner = fastapi_app()
        FastAPIAuth(inner, InheritedAuth(auth))
        outer = Flask("outer")
        outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/new": TO_WSGI(inner)})  # type: ignore[method-assign]
        FlaskAuth(outer, auth, public=["/new/health", "/new/sync"])
        return outer

    def test_a_program_is_told_the_caller(self, app: Any, tokens: Tokens) -> None:
        said = json.loads(ask_wsgi(app, asked("/new/told", "alice", *FORGED)).body)
        assert said == {"principal": "alice", "scopes": ["read"], "user": "alice", "current": "alice"}
        assert json.loads(ask_wsgi(app, asked("/new/sync", "bob")).body) == "bob"
        assert tokens.asked == ["alice", "bob"]

    def test_its_views_enforce_what_they_declare(self, app: Any, tokens: Tokens) -> None:
        assert json.loads(ask_wsgi(app, asked("/new/orders", "alice")).body) == "alice"
        refused = ask_wsgi(app, asked("/new/orders", "bob"))
        assert (refused.status, refused.vary, refused.challenges) == (
            403,
            "Authorization",
            ('Bearer realm="shop", error="insufficient_scope", scope="read"',),
        )
        assert tokens.asked == ["alice", "bob"]

    def test_strangers_get_where_both_let_them(self, app: Any) -> None:
        statuses = {
            path: ask_wsgi(app, asked(path, "", *FORGED)).status for path in ("/new/health", "/new/sync", "/new/told")
        }
        assert statuses == {"/new/health": 200, "/new/sync": 401, "/new/told": 401}


def _alice_for_all(_: str) -> Principal:
    return PEOPLE["alice"]


class TestNoCaller:
    """Where nobody was authenticated outside, there is nobody."""

    def test_a_program_that_nothing_guards_lets_nobody_in(
        self, auth: Auth, tokens: Tokens, bridge: Callable[[Any], Any]
    ) -> None:
        old = flask_app()
        FlaskAuth(old, InheritedAuth(auth))
        for app in (bridge(old), Starlette(routes=[Mount("/old", app=bridge(old))])):
            for token in ("", "alice"):
                answer = ask_asgi(app, asked("/old/told", token, *FORGED))
                assert (answer.status, tokens.asked) == (401, [])

    def test_nor_one_that_another_auth_guards(self, auth: Auth, bridge: Callable[[Any], Any]) -> None:
        weaker = Auth(HTTPBearer(_alice_for_all))
        app = in_asgi(weaker, WSGIGuard(plain, InheritedAuth(auth)), bridge)
        assert ask_asgi(app, asked("/old/", "whatever")).status == 401

    def test_nor_one_whose_test_client_keeps_an_earlier_request(self, auth: Auth) -> None:
        old = flask_app()
        FlaskAuth(old, InheritedAuth(auth))
        with old.test_client() as client:
            with acting_as(PEOPLE["alice"], auth):
                assert client.get("/told").status_code == 200
            assert client.get("/told").status_code == 401
            assert client.get("/health").text == "nobody"

    def test_a_mounted_program_may_have_one_mounted(self, auth: Auth) -> None:
        deep = InheritedAuth(InheritedAuth(auth))
        assert deep.outer is auth
        middle = DispatcherMiddleware(plain, {"/deep": TO_WSGI(_starlette(deep))})
        app = in_asgi(auth, WSGIGuard(middle, InheritedAuth(auth)), WSGIMiddleware)
        assert json.loads(ask_asgi(app, asked("/old/deep/who", "alice")).body) == "alice"
        assert ask_asgi(app, asked("/old/deep/who")).status == 401

    def test_a_request_with_other_credentials_is_not_taken_for_the_outer_one(self) -> None:
        auth = Auth(HTTPBearer(PEOPLE.get) | APIKeyHeader("X-API-Key", {"k3y": Principal("robot")}.get))
        inner = WSGIGuard(plain, InheritedAuth(auth))
        statuses: list[int] = []

        def outer(environ: Any, start_response: Any) -> list[bytes]:
            others = (
                asked("/"),
                asked("/", "alice"),
                asked("/", "bob"),
                asked("/", "bad"),
                asked("/", "", (b"X-API-Key", b"k3y")),
            )
            statuses.extend(ask_wsgi(inner, other).status for other in others)
            return plain(environ, start_response)  # type: ignore[return-value]

        assert ask_wsgi(WSGIGuard(outer, auth), asked("/", "alice")).status == 200
        assert statuses == [200, 200, 401, 401, 401]

    def test_a_background_job_may_use_it_as_somebody(self, auth: Auth) -> None:
        inner = WSGIGuard(plain, InheritedAuth(auth))
        with acting_as(PEOPLE["alice"], auth):
            assert b'"principal": "alice"' in ask_wsgi(inner, asked("/")).body
        with acting_as(PEOPLE["alice"]):
            assert ask_wsgi(inner, asked("/")).status == 401

    def test_a_token_in_a_message_is_verified_and_not_inherited(self, auth: Auth, tokens: Tokens) -> None:
        inner = InheritedAuth(auth)
        found: list[str] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            found.append((await inner.verify_token_async("bob")).id)
            found.append(inner.verify_token("bob").id)
            inner.verify_token("bad")

        guarded = ASGIGuard(application, auth)
        assert ask_asgi(guarded, asked("/", "alice")).status == 401
        assert found == ["bob", "bob"]
        assert tokens.asked == ["alice", "bob", "bob", "bad"]

    @pytest.mark.parametrize("given", [None, HTTPBearer(), "auth"], ids=["none", "scheme", "text"])
    def test_it_takes_an_auth(self, given: Any) -> None:
        with pytest.raises(ConfigurationError, match="InheritedAuth"):
            InheritedAuth(given)


def _starlette(auth: Auth) -> Starlette:
    async def who(_: Request) -> JSONResponse:
        return JSONResponse(current_principal().id)

    app = Starlette(routes=[Route("/who", who)])
    app.add_middleware(StarletteMiddleware, auth=auth)
    return app


class TestSecondVerification:
    """The same `Auth` inside verifies again, which is not the same for proofs that are good once."""

    def test_a_proof_is_good_for_one_verification(self) -> None:
        def status(inner: Callable[[Auth], Auth]) -> int:
            auth = Auth(HTTPDPoP(dpop_verifier()))
            sent = bound_token()
            headers = ((b"Authorization", f"DPoP {sent}".encode()), (b"DPoP", proof(sent).encode()))
            app = WSGIGuard(WSGIGuard(plain, inner(auth)), auth)
            return ask_wsgi(app, Case("", NOBODY, headers=headers)).status

        assert status(lambda auth: auth) == 401
        assert status(InheritedAuth) == 200

    def test_a_stricter_auth_stays_strict_inside(self) -> None:
        class Closed(Auth):
            """Refuses everyone who needs a scope."""

            def decide(
                self,
                authentication: Authentication,
                requirement: Requirement,
                request: RequestHead,
                *,
                principal: Principal | None = None,
            ) -> Decision:
                needed = requirement & Requirement.all_of("impossible") if requirement.scopes else requirement
                return super().decide(authentication, needed, request, principal=principal)

        old = flask_app()
        auth = Closed(HTTPBearer(PEOPLE.get))
        FlaskAuth(old, InheritedAuth(auth))
        app = in_asgi(auth, old, WSGIMiddleware)
        assert ask_asgi(app, asked("/old/told", "alice")).status == 200
        assert ask_asgi(app, asked("/old/orders", "alice")).status == 403


def test_behind_a_bridge_that_copies_no_context_there_is_nobody(auth: Auth) -> None:
    with pytest.warns(DeprecationWarning, match="a2wsgi"):
        bridge = WITHOUT_CONTEXT(WSGIGuard(plain, InheritedAuth(auth), public=["/health"]))
    app = ASGIGuard(Starlette(routes=[Mount("/old", app=bridge)]), auth)
    for _ in range(12):  # more than it has threads
        assert ask_asgi(app, asked("/old/", "alice")).status == 401
        assert json.loads(ask_asgi(app, asked("/old/health", "bob")).body.split(b"\n")[0]) == STRANGER

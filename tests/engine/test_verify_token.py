"""A token in a message is judged as the same token in ``Authorization``, and by nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from authmw import (
    AccessRefused,
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    Auth,
    Authenticated,
    BearerToken,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    HTTPDPoP,
    OAuth2PasswordBearer,
    PasswordVerifier,
    Principal,
    Reason,
    Refusal,
    Rejected,
    TokenVerifier,
    TrustedHeader,
    Unavailable,
    any_of,
    current_principal,
    requirement_of,
    requires,
    requires_scopes,
)
from authmw.asgi import AuthMiddleware as ASGIMiddleware
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.engine.message import MessageHead
from authmw.errors import Overloaded
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.http.request import ASGIRequest, Message, Receive, RequestHead, Scope, Send
from authmw.identity.requirement import PUBLIC
from authmw.stores import MemoryRevocations, MemoryTokens, MemoryUsers, RevocationFeed
from authmw.stores.records import Revocation
from authmw.wsgi import AuthMiddleware as WSGIMiddleware
from tests.contract.cases import NOBODY, Case
from tests.contract.clients import ask_asgi, ask_wsgi, scope_of
from tests.dpop_proofs import bound_token, dpop_verifier
from tests.jwt_tokens import NOW, key_for, token, verifier
from tests.requests import recalled, wsgi_request
from tests.support import examples

Verify = Callable[..., Principal]


def _by_asyncio(auth: Auth, *args: Any, **kwargs: Any) -> Principal:
    return asyncio.run(auth.verify_token_async(*args, **kwargs))


def _by_trio(auth: Auth, *args: Any, **kwargs: Any) -> Principal:
    async def main() -> Principal:
        return await auth.verify_token_async(*args, **kwargs)

    return trio.run(main)


WAYS: Final[Mapping[str, Verify]] = {"sync": Auth.verify_token, "asyncio": _by_asyncio, "trio": _by_trio}


@pytest.fixture(params=WAYS)
def verify(request: pytest.FixtureRequest) -> Verify:
    return WAYS[request.param]


def refusal_of(verify: Verify, auth: Auth, *args: Any, **kwargs: Any) -> Refusal:
    with pytest.raises(AccessRefused) as raised:
        verify(auth, *args, **kwargs)
    return raised.value.refusal


def outcome(auth: Auth, *args: Any, **kwargs: Any) -> str:
    """The id of the principal, or the code of the refusal."""
    try:
        return auth.verify_token(*args, **kwargs).id
    except AccessRefused as refused:
        return refused.refusal.reason.code


def _robot(_: str) -> Principal:
    return Principal("robot")


def _anyone(name: str, _: str) -> Principal:
    return Principal(name)


def _by_length(text: str) -> Principal:
    return Principal(str(len(text)))


JWTS: Final = Auth(HTTPBearer(verifier()), realm="orders")


def test_a_good_token_names_its_principal(verify: Verify) -> None:
    principal = verify(JWTS, token())
    assert (principal.id, principal.scheme, principal.expires_at) == ("alice", "HTTPBearer", NOW + 600)
    assert principal.scopes == {"orders:read", "orders:write"}


@pytest.mark.parametrize("prefix", ["Bearer ", "bearer ", "BEARER   "])
def test_clients_may_write_bearer_before_it(prefix: str) -> None:
    assert JWTS.verify_token(prefix + token()).id == "alice"


def test_a_token_that_no_traceback_shows_is_taken_too() -> None:
    assert JWTS.verify_token(BearerToken(token())).id == "alice"


def test_it_is_judged_as_the_same_token_in_a_request() -> None:
    tokens = [
        *(token(), token(exp=NOW - 60), token(aud="billing"), token(iss="https://else.example"), token(nbf=NOW + 600)),
        *(token(header={"alg": "none"}), token(header={"typ": "JWT"}), token(key_for("HS384")), "opaque", "a.b.c"),
        *(bound_token(), token(sub=""), token()[:-2] + "AA"),
    ]
    for each in tokens:
        found = JWTS.authenticate(wsgi_request(authorization=f"Bearer {each}"))
        expected = found.reason.code if isinstance(found, Refusal) else found.principal.id
        assert outcome(JWTS, each) == expected


class TestScopes:
    def test_the_scopes_that_are_named_are_needed(self, verify: Verify) -> None:
        assert verify(JWTS, token(), "orders:read", any_of("admin", "orders:write")).id == "alice"
        refusal = refusal_of(verify, JWTS, token(), "orders:read", "admin")
        assert (refusal.reason, refusal.missing) == (Reason.SCOPE_MISSING, ("admin",))
        assert (refusal.status, refusal.close_code) == (403, 1008)
        assert [str(each) for each in refusal.challenges] == [
            'Bearer realm="orders", error="insufficient_scope", scope="orders:read admin"'
        ]

    def test_a_requirement_of_a_function_is_needed_too(self, verify: Verify) -> None:
        @requires_scopes("admin")
        def view() -> None: ...

        needed = requirement_of(view)
        assert needed is not None
        refusal = refusal_of(verify, JWTS, token(), "orders:read", requirement=needed)
        assert refusal.scopes == ("orders:read", "admin")

    def test_predicates_are_asked(self, verify: Verify) -> None:
        @requires(lambda principal, request: principal.id == "bob")
        def view() -> None: ...

        needed = requirement_of(view)
        assert needed is not None
        assert refusal_of(verify, JWTS, token(), requirement=needed).reason is Reason.FORBIDDEN

    def test_an_open_requirement_admits_nobody_without_a_token(self, verify: Verify) -> None:
        assert refusal_of(verify, JWTS, None, requirement=PUBLIC).reason is Reason.CREDENTIALS_MISSING
        assert verify(JWTS, token(), requirement=PUBLIC).id == "alice"

    @pytest.mark.parametrize("scopes", [["orders:read"], ("orders:read",), None, "", "two scopes"], ids=repr)
    def test_what_is_no_scope_is_a_mistake_before_any_token_is_looked_at(self, scopes: Any, verify: Verify) -> None:
        with pytest.raises(ConfigurationError):
            verify(JWTS, None, scopes)

    @pytest.mark.parametrize("given", [None, "orders:read", ["orders:read"], any_of("a", "b")], ids=repr)
    def test_what_is_no_requirement_is_a_mistake(self, given: Any, verify: Verify) -> None:
        with pytest.raises(ConfigurationError, match="requirement_of"):
            verify(JWTS, token(), requirement=given)


NO_TOKENS: Final[Mapping[str, object]] = {
    "bytes": token().encode(),
    "a number": 7,
    "true": True,
    "false": False,
    "a list": [token()],
    "an object": {"token": token()},
    "a space": " ",
    "space in front": " t0ken",
    "space behind": "t0ken ",
    "two tokens": "t0ken t0ken",
    "a comma": "t0ken,t0ken",
    "a tab": "Bearer\tt0ken",
    "a newline": "t0ken\n",
    "two lines": "t0ken\r\nX-API-Key: k3y",
    "nul": "t0ken\0",
    "letters beyond ascii": "tökén",
    "a lone surrogate": "t0ken\ud800",
    "full-width letters": "\uff42earer t0ken",
    "prefix only": "Bearer ",
    "prefix twice": "Bearer Bearer t0ken",
    "basic": "Basic YWxpY2U6c2VjcmV0",
    "dpop": "DPoP t0ken",
    "digest": 'Digest username="alice"',
    "quotes": '"t0ken"',
    "padding inside": "t0=ken",
}


@pytest.mark.parametrize("sent", NO_TOKENS.values(), ids=NO_TOKENS)
def test_what_is_no_token_is_refused_and_reaches_no_verifier(sent: object, verify: Verify) -> None:
    def lookup(_: str) -> Principal:
        raise AssertionError("asked")

    refusal = refusal_of(verify, Auth(HTTPBearer(lookup)), sent)
    assert refusal.reason is Reason.TOKEN_MALFORMED
    assert (refusal.status, refusal.close_code, refusal.reason.public_code) == (401, 1008, "authmw.token-invalid")


@pytest.mark.parametrize("sent", [None, "", BearerToken("")])
def test_no_token_is_a_refusal_without_error(sent: object, verify: Verify) -> None:
    refusal = refusal_of(verify, JWTS, sent)
    assert refusal.reason is Reason.CREDENTIALS_MISSING
    assert [str(each) for each in refusal.challenges] == ['Bearer realm="orders"']


def test_a_token_may_have_as_many_characters_as_in_a_request(verify: Verify) -> None:
    auth = Auth(HTTPBearer(_by_length))
    longest = "a" * MAX_CREDENTIAL_LENGTH
    assert verify(auth, longest).id == verify(auth, f"Bearer {longest}").id == str(MAX_CREDENTIAL_LENGTH)
    for longer in (
        "bearer " + " " * MAX_CREDENTIAL_LENGTH + "t",  # spaces are read too
        longest + "a",
        f"Bearer {longest}a",
        "a" * 2_000_000,
        " " * 2_000_000,
        "Bearer " + " " * 2_000_000,
    ):
        assert refusal_of(verify, auth, longer).reason is Reason.TOKEN_MALFORMED


@settings(max_examples=examples(50))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nothing_that_json_can_hold_is_more_than_a_refusal(sent: object) -> None:
    assert outcome(JWTS, sent).startswith("authmw.")
    assert outcome(JWTS, json.loads(json.dumps(sent))).startswith("authmw.")


class TestOtherCredentials:
    """A message is no way round what an `Auth` asks for."""

    def test_a_password_as_a_token_is_asked_of_no_user(self, verify: Verify) -> None:
        users = MemoryUsers(hasher=PasswordHasher(CHEAPEST))
        users.create("alice", "correct-horse", scopes=["orders:read"])
        auth = Auth(HTTPBearer(verifier()) | HTTPBasic(PasswordVerifier(users, hasher=PasswordHasher(CHEAPEST))))
        for sent in ("correct-horse", "alice", "YWxpY2U6Y29ycmVjdC1ob3JzZQ==", "Basic YWxpY2U6Y29ycmVjdC1ob3JzZQ=="):
            assert refusal_of(verify, auth, sent).status == 401

    def test_a_key_as_a_token_is_asked_of_no_store_of_keys(self, verify: Verify) -> None:
        auth = Auth(HTTPBearer(verifier()) | APIKeyHeader("X-API-Key", _robot))
        assert refusal_of(verify, auth, "k3y").reason is Reason.TOKEN_KIND

    def test_a_token_bound_to_a_key_is_refused(self, verify: Verify) -> None:
        auth = Auth(HTTPDPoP(dpop_verifier()) | HTTPBearer(verifier()))
        assert verify(auth, token()).id == "alice"
        assert refusal_of(verify, auth, bound_token()).reason is Reason.TOKEN_BOUND

    def test_where_two_credentials_are_needed_one_is_refused(self, verify: Verify) -> None:
        both = TrustedHeader("X-Subject", proxies=["127.0.0.1"]) & HTTPBearer(verifier())
        auth = Auth(both | OAuth2PasswordBearer("/token", TokenVerifier(MemoryTokens())))
        assert refusal_of(verify, auth, token()).status == 401

    @pytest.mark.parametrize(
        "accept",
        [
            HTTPBasic(_anyone),
            HTTPDPoP(dpop_verifier()),
            APIKeyHeader("X-API-Key", _robot),
            APIKeyCookie("key", _robot),
            APIKeyHeader("X-Site", _robot) & HTTPBearer(verifier()),
        ],
        ids=["basic", "dpop", "header", "cookie", "both"],
    )
    def test_an_auth_that_takes_no_token_alone_is_a_mistake(self, accept: Any, verify: Verify) -> None:
        with pytest.raises(ConfigurationError, match="HTTPBearer"):
            verify(Auth(accept), token())

    def test_schemes_without_verifiers_admit_nobody(self, verify: Verify) -> None:
        assert refusal_of(verify, Auth(HTTPBearer()), token()).status == 401


class TestHandshake:
    """Below a middleware the handshake says where a message came from, and never who sent it."""

    @staticmethod
    def below(auth: Auth, serve: Callable[[], object], **environ: str) -> list[object]:
        found: list[object] = []

        def application(_: Any, start_response: Any) -> list[bytes]:
            found.append(serve())
            start_response("200 OK", [])
            return [b""]

        guarded = WSGIMiddleware(application, auth, public=["/ws"])
        list(guarded({"REQUEST_METHOD": "GET", "PATH_INFO": "/ws", **environ}, lambda *_: lambda _: None))
        return found

    def test_its_credentials_do_not_count(self) -> None:
        auth = Auth(
            HTTPBearer({"alice": Principal("alice")}.get)
            | APIKeyQuery("key", {"k3y": Principal("robot")}.get)
            | APIKeyCookie("key", {"k3y": Principal("robot")}.get)
            | APIKeyHeader("X-API-Key", {"k3y": Principal("robot")}.get)
        )
        sent = {"QUERY_STRING": "key=k3y", "HTTP_COOKIE": "key=k3y", "HTTP_X_API_KEY": "k3y"}
        for name, value in sent.items():
            assert self.below(auth, lambda: current_principal().id, **{name: value}) == ["robot"]
            codes = self.below(auth, lambda: [outcome(auth, each) for each in (None, "bad", "alice")], **{name: value})
            assert codes == [["authmw.credentials-missing", "authmw.token-unknown", "alice"]]

    def test_the_caller_of_the_handshake_stays_who_it_is(self) -> None:
        auth = Auth(HTTPBearer({"a": Principal("alice"), "b": Principal("bob")}.get))

        def serve() -> tuple[str, str]:
            return auth.verify_token("b").id, current_principal().id

        assert self.below(auth, serve, HTTP_AUTHORIZATION="Bearer a") == [("bob", "alice")]

    def test_the_log_says_where_the_message_came_from_and_not_what_was_in_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "authmw.audit")
        auth = Auth(HTTPBearer(verifier()))
        sent = [token(), token(exp=NOW - 60), "hunter2-is-a-password", "Basic aHVudGVyMg==", {"pwd": "hunter2"}]
        self.below(auth, lambda: [outcome(auth, each) for each in sent], REMOTE_ADDR="192.0.2.7")
        records = [record.getMessage() for record in caplog.records]
        assert [line.split()[1:3] for line in records] == [
            ["admitted", "method=GET"],
            ["allowed", "principal=alice"],
            ["refused", "code=authmw.token-expired"],
            ["refused", "code=authmw.token-kind"],
            ["refused", "code=authmw.token-malformed"],
            ["refused", "code=authmw.token-malformed"],
        ]
        assert all("client=192.0.2.7" in line and "path=/ws" in line for line in records[2:])
        assert "hunter2" not in caplog.text
        assert token() not in caplog.text

    def test_a_verifier_is_told_the_address_and_no_header(self) -> None:
        seen: list[RequestHead] = []

        class Noting:
            def verify(self, credentials: BearerToken, request: RequestHead) -> None:
                seen.append(request)

        auth = Auth(HTTPBearer(Noting()))
        told = {"REMOTE_ADDR": "192.0.2.7", "HTTP_COOKIE": "key=k3y", "QUERY_STRING": "key=k3y", "SCRIPT_NAME": "/shop"}
        self.below(auth, lambda: outcome(auth, "t0ken"), **told, REQUEST_URI="/shop/ws?key=k3y")
        (head,) = seen
        assert (head.client, head.path, head.root, head.method) == ("192.0.2.7", "/ws", "/shop", "GET")
        assert head.raw_path == "/shop/ws"
        assert head.headers == [("authorization", "Bearer t0ken")]
        assert (head.header("authorization"), head.header("cookie")) == ("Bearer t0ken", None)
        assert (head.query_string, head.target, head.cookie("key"), head.query("key")) == ("", "/ws", (), ())
        outcome(auth, "t0ken")
        head = seen[-1]
        assert (head.client, head.path, head.root, head.method, head.raw_path) == ("", "", "", "", None)

    def test_a_predicate_sees_the_parameters_in_its_path(self) -> None:
        handshake = ASGIRequest(
            {"type": "websocket", "path": "/of/alice", "headers": [], "path_params": {"of": "alice"}}
        )
        assert MessageHead("t0ken", handshake).path_params == {"of": "alice"}
        assert MessageHead("t0ken", None).path_params == {}

    def test_a_verifier_may_count_attempts_by_the_address(self) -> None:
        class Counting:
            """Refuses the third attempt of an address."""

            def __init__(self) -> None:
                self.attempts: dict[str, int] = {}

            def verify(self, credentials: BearerToken, request: RequestHead) -> Rejected:
                self.attempts[request.client] = self.attempts.get(request.client, 0) + 1
                if self.attempts[request.client] > 2:
                    return Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=7)
                return Rejected(Reason.TOKEN_UNKNOWN)

        auth = Auth(HTTPBearer(Counting()))

        def serve() -> Refusal:
            return refusal_of(Auth.verify_token, auth, "guessed")

        refused = [*self.below(auth, serve, REMOTE_ADDR="192.0.2.7"), *self.below(auth, serve, REMOTE_ADDR="192.0.2.8")]
        refused += [each for _ in range(2) for each in self.below(auth, serve, REMOTE_ADDR="192.0.2.7")]
        last = refused[-1]
        assert isinstance(last, Refusal)
        assert [each.status for each in refused if isinstance(each, Refusal)] == [401, 401, 401, 429]
        assert (last.retry_after, last.challenges, last.close_code) == (7, (), 1008)

    def test_what_nothing_catches_is_the_response(self) -> None:
        auth = Auth(HTTPBearer(verifier()), realm="orders")

        def application(environ: Any, start_response: Any) -> list[bytes]:
            auth.verify_token(environ["QUERY_STRING"], "orders:read")
            raise AssertionError("verified")

        guarded = WSGIMiddleware(application, auth, public=["/ws"])
        missing, short = (ask_wsgi(guarded, Case("", NOBODY, target=f"/ws?{sent}")) for sent in ("", token(scope="")))
        assert (missing.status, missing.challenges) == (401, ('Bearer realm="orders", scope="orders:read"',))
        assert (short.status, short.challenges) == (
            403,
            ('Bearer realm="orders", error="insufficient_scope", scope="orders:read"',),
        )

    def test_an_accepted_websocket_is_closed_by_what_nothing_catches(self) -> None:
        sent: list[Message] = []

        async def close_code(verifier: Any, text: object) -> object:
            auth = Auth(HTTPBearer(verifier))

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await send({"type": "websocket.accept"})
                await auth.verify_token_async((await receive())["text"])

            async def receive() -> Message:
                return {"type": "websocket.receive", "text": text}

            async def send(message: Message) -> None:
                sent.append(message)

            scope = scope_of(Case("", NOBODY, target="/ws"), "websocket")
            await ASGIMiddleware(application, auth, public=["/ws"])(scope, receive, send)
            return sent[-1]["code"]

        def down(_: str) -> Principal:
            raise ConnectionError

        assert asyncio.run(close_code(verifier(), "bad")) == 1008
        assert asyncio.run(close_code(verifier(), None)) == 1008
        assert asyncio.run(close_code(down, "t0ken")) == 1013


def test_outside_of_a_connection_the_log_has_neither_address_nor_path(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "authmw.audit")
    assert outcome(JWTS, token(exp=NOW - 60)) == "authmw.token-expired"
    assert caplog.messages == [f'authmw refused code=authmw.token-expired status=401 detail="{_detail(caplog)}"']


def _detail(caplog: pytest.LogCaptureFixture) -> str:
    return str(caplog.records[0].__dict__["authmw"]["detail"])


class TestInFrameworks:
    """What nothing catches is answered by the adapter, as any refusal is."""

    @staticmethod
    def down(_: str) -> Principal:
        raise ConnectionError

    def test_flask(self) -> None:
        from authmw_flask import FlaskAuth
        from flask import Flask

        app = Flask("shop")
        auth, broken = Auth(HTTPBearer(verifier()), realm="shop"), Auth(HTTPBearer(self.down))
        FlaskAuth(app, auth, public=["/*"])

        @app.get("/message/<sent>")
        def message(sent: str) -> str:
            return auth.verify_token(sent, "orders:read").id

        @app.get("/down")
        def down() -> str:
            return broken.verify_token("t0ken").id

        answers = [
            ask_wsgi(app, Case("", NOBODY, target=f"/message/{sent}")) for sent in (token(), "bad", token(scope=""))
        ]
        assert [each.status for each in answers] == [200, 401, 403]
        assert answers[1].challenges[0].startswith('Bearer realm="shop", error="invalid_token"')
        assert ask_wsgi(app, Case("", NOBODY, target="/down")).status == 503

    def test_fastapi(self) -> None:
        from authmw_fastapi import FastAPIAuth
        from fastapi import FastAPI

        app = FastAPI()
        auth, broken = Auth(HTTPBearer(verifier()), realm="shop"), Auth(HTTPBearer(self.down))
        FastAPIAuth(app, auth, public=["/*"])

        @app.get("/message/{sent}")
        async def message(sent: str) -> str:
            return (await auth.verify_token_async(sent, "orders:read")).id

        @app.get("/down")
        def down() -> str:
            return broken.verify_token("t0ken").id

        answers = [
            ask_asgi(app, Case("", NOBODY, target=f"/message/{sent}")) for sent in (token(), "bad", token(scope=""))
        ]
        assert [each.status for each in answers] == [200, 401, 403]
        assert answers[1].challenges[0].startswith('Bearer realm="shop", error="invalid_token"')
        assert ask_asgi(app, Case("", NOBODY, target="/down")).status == 503


class TestAskingAgain:
    def test_a_remembered_token_asks_nobody_until_it_is_revoked(self, verify: Verify) -> None:
        asked: list[str] = []

        class Counting(MemoryTokens):
            def find_token(self, digest: str) -> Any:
                asked.append(digest)
                return super().find_token(digest)

        tokens, revocations = Counting(), MemoryRevocations()
        feed = RevocationFeed(revocations)
        auth = Auth(HTTPBearer(TokenVerifier(tokens, revocations=feed)))
        sent, record = tokens.create("alice", ["orders:read"])
        feed.follow_once()
        for spelt in (sent, sent, f"Bearer {sent}", f"bearer  {sent}"):
            assert verify(auth, spelt, "orders:read").id == "alice"
        assert len(asked) == 1
        assert refusal_of(verify, auth, sent, "orders:write").reason is Reason.SCOPE_MISSING
        revocations.publish(Revocation.of_token(record.id, record.created_at, record.expires_at))
        feed.follow_once()
        assert refusal_of(verify, auth, sent, "orders:read").reason is Reason.TOKEN_REVOKED

    def test_one_that_expires_meanwhile_is_refused(self, verify: Verify) -> None:
        now = [float(NOW)]
        auth = Auth(HTTPBearer(verifier(clock=lambda: now[0])), clock=lambda: now[0])
        sent = token(exp=NOW + 60)
        assert verify(auth, sent).id == "alice"
        now[0] += 91
        assert refusal_of(verify, auth, sent).reason is Reason.TOKEN_EXPIRED

    def test_a_token_is_remembered_for_messages_and_requests_alike(self, verify: Verify) -> None:
        checked: list[str] = []

        class Counting:
            ignores_request = True
            version = 1

            def verify(self, credentials: BearerToken, request: RequestHead) -> Authenticated:
                checked.append(credentials.token)
                return Authenticated(Principal("alice"), remember_until=2.0)

        auth = Auth(HTTPBearer(Counting()), clock=lambda: 1.0)
        assert verify(auth, "t0ken").id == "alice"
        assert recalled(auth, b"Bearer t0ken") is not None
        assert verify(auth, "t0ken").id == "alice"
        assert checked == ["t0ken"]

    def test_two_engines_share_nothing(self, verify: Verify) -> None:
        ours, others = Auth(HTTPBearer(verifier())), Auth(HTTPBearer(verifier(audience="billing")))
        assert verify(ours, token()).id == "alice"
        assert refusal_of(verify, others, token()).reason is Reason.TOKEN_AUDIENCE
        assert verify(others, token(aud="billing")).id == "alice"
        assert refusal_of(verify, ours, token(aud="billing")).reason is Reason.TOKEN_AUDIENCE


@pytest.mark.parametrize(
    "error, seconds",
    [(ConnectionError("t0ken"), 5), (Unavailable("t0ken"), 5), (Overloaded("t0ken"), 1)],
    ids=["broken", "unavailable", "overloaded"],
)
def test_a_store_that_is_down_is_no_refusal(error: Exception, seconds: int, verify: Verify) -> None:
    def lookup(_: str) -> Principal:
        raise error

    with pytest.raises(Unavailable) as raised:
        verify(Auth(HTTPBearer(lookup)), "t0ken")
    assert not isinstance(raised.value, AccessRefused)
    assert (raised.value.close_code, raised.value.retry_after) == (1013, seconds)
    assert "t0ken" not in str(raised.value)

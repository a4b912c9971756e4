"""The ASGI middleware: what the application sees, what it may do, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import trio

from authmw import APIKeyHeader, Auth, HTTPBasic, HTTPBearer, Principal, current_principal, requires_scopes
from authmw.asgi import AuthMiddleware
from authmw.asgi.middleware import ASGIApp
from authmw.errors import StoreUnavailable
from authmw.flow import Flow
from authmw.http.refusal import AccessRefused
from authmw.http.request import Message, Receive, RequestHead, Scope, Send
from authmw.identity.credentials import ApiKey, BearerToken
from authmw.identity.verdict import Authenticated, Verdict


async def _lookup(token: str) -> Principal | None:
    return Principal(token, scopes={"read"}) if token in ("alice", "bob") else None


AUTH = Auth(HTTPBearer(_lookup))
GOOD = (b"authorization", b"Bearer alice")
START: Mapping[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def _scope(*headers: tuple[bytes, bytes], kind: str = "http", **extra: Any) -> Scope:
    return {"type": kind, "method": "GET", "path": "/", "query_string": b"", "headers": list(headers), **extra}


def call(app: ASGIApp, scope: Scope, *messages: Message, library: str = "asyncio") -> list[Message]:
    """Everything that is sent on one connection."""
    sent: list[Message] = []
    waiting = list(messages) or [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        await app(scope, receive, send)

    asyncio.run(main()) if library == "asyncio" else trio.run(main)
    return sent


def _status(sent: list[Message]) -> int:
    status: int = sent[0]["status"]
    return status


def _headers(sent: list[Message]) -> dict[bytes, bytes]:
    return dict(sent[0]["headers"])


def _body(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    await send(dict(START))
    await send({"type": "http.response.body", "body": current_principal().id.encode()})


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_the_application_sees_who_it_is_under_asyncio_and_trio(library: str) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await _echo(scope, receive, send)

    scope = _scope(GOOD)
    sent = call(AuthMiddleware(app, AUTH), scope, library=library)
    assert _body(sent) == b"alice"
    assert seen[0]["authmw.principal"].id == seen[0]["user"].identity == "alice"
    assert seen[0]["authmw.scopes"] == {"read"}
    assert seen[0]["auth"].scopes == ["authenticated", "read"]
    assert "authmw.principal" not in scope


def test_asgi_a_user_that_was_in_the_scope_is_replaced_on_public_paths_too() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await _echo(scope, receive, send)

    call(AuthMiddleware(app, AUTH, public=["/"]), _scope(user="admin", auth="everything"))
    assert seen[0]["user"].is_authenticated is False
    assert seen[0]["auth"].scopes == []


@pytest.mark.parametrize(
    "sent, found", [([(b"x-api-key", b"k3y")], [ApiKey("k3y")]), ([], [])], ids=["a key", "nothing"]
)
def test_what_a_scheme_without_a_verifier_found_is_in_the_scope(
    sent: list[tuple[bytes, bytes]], found: list[object]
) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await _echo(scope, receive, send)

    call(AuthMiddleware(app, Auth(APIKeyHeader("X-API-Key")), default="allow"), _scope(*sent))
    assert [value for name, value in seen[0].items() if name == "authmw.credentials"] == found


def test_asgi_lifespan_passes_through_untouched() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope, receive, send))

    async def never(*_: Any) -> Any:
        raise AssertionError("nobody calls it")

    scope: Scope = {"type": "lifespan"}
    asyncio.run(AuthMiddleware(app, AUTH)(scope, never, never))
    assert seen == [(scope, never, never)]
    assert seen[0][0] is scope


@pytest.mark.parametrize("kind", ["webtransport", "http2", "", "HTTP", "Lifespan"])
def test_class_24_a_scope_type_nobody_has_heard_of_is_denied(kind: str) -> None:
    with pytest.raises(ValueError, match="cannot be guarded"):
        call(AuthMiddleware(_echo, AUTH), _scope(GOOD, kind=kind))


def test_asgi_two_authorization_headers_are_a_400() -> None:
    assert _status(call(AuthMiddleware(_echo, AUTH), _scope(GOOD, GOOD))) == 400


def _holder_of(key: str) -> Principal:
    return Principal(key)


def test_hdr_2_a_header_name_with_an_underscore_is_another_header() -> None:
    auth = Auth(APIKeyHeader("X-API-Key", _holder_of))
    assert _status(call(AuthMiddleware(_echo, auth), _scope((b"x_api_key", b"k")))) == 401
    assert _status(call(AuthMiddleware(_echo, auth), _scope((b"x-api-key", b"k")))) == 200


@pytest.mark.parametrize("extra", [{"status": 200, "trailers": True}])
def test_every_message_of_the_application_goes_on(extra: dict[str, Any]) -> None:
    messages: list[Message] = [
        {"type": "http.response.debug", "info": {}},
        {**START, **extra},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.pathsend", "path": "/file"},
        {"type": "http.response.trailers", "headers": []},
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD))
    assert [message["type"] for message in sent] == [message["type"] for message in messages]
    assert sent[1]["trailers"] is True
    assert sent[1]["headers"][0] == (b"content-type", b"text/plain")


def test_hdr_the_body_is_never_read_to_authenticate() -> None:
    async def refuses_to_receive() -> Message:
        raise AssertionError("the body was read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        await AuthMiddleware(_echo, AUTH)(_scope(), refuses_to_receive, send)

    asyncio.run(main())
    assert _status(sent) == 401


# Refusals from below


@requires_scopes("write")
async def _needs_write() -> bytes:
    return b"secret"


async def _at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.body", "body": await _needs_write()})


async def _in_a_task_group(scope: Scope, receive: Receive, send: Send) -> None:
    async with asyncio.TaskGroup() as group, asyncio.TaskGroup() as inside_a_group:
        inside_a_group.create_task(_needs_write())
        group.create_task(_needs_write())


@pytest.mark.parametrize("app", [_at_once, _in_a_task_group])
def test_a_refusal_that_leaves_the_application_is_answered_in_full_and_once(app: ASGIApp) -> None:
    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert _status(sent) == 403
    assert _headers(sent)[b"www-authenticate"] == b'Bearer realm="app", error="insufficient_scope", scope="write"'
    assert _body(sent).startswith(b'{"type"')


@pytest.mark.parametrize("status", [302, 403, 500, 503])
def test_a_refusal_that_the_application_answers_itself_is_its_own(status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await _needs_write()
        except AccessRefused:
            await send({**START, "status": status})
            await send({"type": "http.response.body", "body": b"own words"})

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD))
    assert (_status(sent), _body(sent)) == (status, b"own words")
    assert b"www-authenticate" not in _headers(sent)
    assert _headers(sent)[b"vary"] == b"Authorization"


def test_a_refusal_that_goes_on_after_an_answer_of_the_application_reaches_the_server() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await _needs_write()
        except AccessRefused:
            await send({**START, "status": 500})
            await send({"type": "http.response.body", "body": b"own words"})
            raise

    with pytest.raises(AccessRefused):
        call(AuthMiddleware(app, AUTH), _scope(GOOD))


def test_a_refusal_after_the_response_began_ends_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(dict(START))
        await _needs_write()

    with pytest.raises(AccessRefused):
        call(AuthMiddleware(app, AUTH), _scope(GOOD))


# Preflights


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("reached")


def test_a_websocket_is_accepted_with_the_headers_of_the_application_and_of_the_scheme() -> None:
    class Renewing:
        def verify(self, credentials: BearerToken, request: RequestHead | None = None, /) -> Flow[Verdict]:
            yield from ()
            owed = (("X-Renewed", "1"), ("X-Both", "same"), ("Cache-Control", "private"))
            return Authenticated(Principal("alice"), headers=owed)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        own = [(b"x-own", b"1"), (b"x-both", b"same")]
        await send({"type": "websocket.accept", "subprotocol": "chat", "headers": own})

    sent = call(AuthMiddleware(app, Auth(HTTPBearer(Renewing()))), _scope(GOOD, kind="websocket"))
    (accepted,) = sent
    assert (accepted["type"], accepted["subprotocol"]) == ("websocket.accept", "chat")
    assert [(name.lower(), value) for name, value in accepted["headers"]] == [
        (b"x-own", b"1"),
        (b"x-both", b"same"),
        (b"x-renewed", b"1"),
    ]


PREFLIGHT = ((b"origin", b"https://a.example"), (b"access-control-request-method", b"GET"))


@pytest.mark.parametrize("path", ["/", "/admin/delete", "//x"])
@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"BREW"])
def test_class_23_a_preflight_is_answered_in_front_the_same_everywhere(path: str, method: bytes) -> None:
    scope = {**_scope(PREFLIGHT[0], (PREFLIGHT[1][0], method), method="OPTIONS"), "path": path}
    sent = call(AuthMiddleware(_never, AUTH), scope)
    assert sent == [
        {"type": "http.response.start", "status": 204, "headers": [(b"vary", AUTH.vary.encode())]},
        {"type": "http.response.body", "body": b""},
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"type": "http.response.body", "body": b"secret"},
        {"type": "http.response.pathsend", "path": "/secret"},
        {"type": "http.response.zerocopysend", "file": 3},
        {"type": "http.response.push", "path": "/secret"},
    ],
    ids=lambda content: content["type"],
)
def test_class_23_a_preflight_handed_on_gets_the_headers_and_nothing_of_the_content(content: Message) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "headers": [*START["headers"], (b"access-control-allow-origin", b"*")]})
        await send(content)

    sent = call(AuthMiddleware(app, AUTH, preflights="application"), _scope(*PREFLIGHT, method="OPTIONS"))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert _headers(sent)[b"access-control-allow-origin"] == b"*"
    assert _headers(sent)[b"content-length"] == b"0"
    assert b"content-type" not in _headers(sent)
    assert _body(sent) == b""


def test_a_preflight_answered_204_has_no_content_length() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    sent = call(AuthMiddleware(app, AUTH, preflights="application"), _scope(*PREFLIGHT, method="OPTIONS"))
    assert b"content-length" not in _headers(sent)


@pytest.mark.parametrize("headers", [PREFLIGHT[:1], PREFLIGHT[1:]], ids=["origin", "method"])
def test_class_23_an_options_that_is_no_preflight_is_refused(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    assert _status(call(AuthMiddleware(_echo, AUTH), _scope(*headers, method="OPTIONS"))) == 401


# Websockets

CONNECT: Message = {"type": "websocket.connect"}
DENIAL: Mapping[str, Any] = {"websocket.http.response": {}}


async def _socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})


def test_class_24_a_websocket_is_refused_before_it_is_accepted() -> None:
    sent = call(AuthMiddleware(_socket, AUTH), _scope(kind="websocket"), CONNECT)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_class_24_a_websocket_is_refused_in_words_where_the_server_offers_it() -> None:
    sent = call(AuthMiddleware(_socket, AUTH), _scope(kind="websocket", extensions=DENIAL), CONNECT)
    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert (_status(sent), _headers(sent)[b"www-authenticate"]) == (401, b'Bearer realm="app"')


def test_a_denial_response_repeats_no_header_name() -> None:
    auth = Auth(HTTPBearer(_lookup) | HTTPBasic(lambda username, password: None))
    sent = call(AuthMiddleware(_socket, auth), _scope(kind="websocket", extensions=DENIAL), CONNECT)
    names = [name for name, _ in sent[0]["headers"]]
    assert len(set(names)) == len(names)
    assert _headers(sent)[b"www-authenticate"] == b'Bearer realm="app", Basic realm="app", charset="UTF-8"'


def test_a_websocket_whose_store_is_down_is_told_to_come_back() -> None:
    async def down(token: str) -> Principal:
        raise OSError

    sent = call(
        AuthMiddleware(_socket, Auth(HTTPBearer(down))), _scope(GOOD, kind="websocket", extensions=None), CONNECT
    )
    assert sent == [{"type": "websocket.close", "code": 1013}]


async def _raises_before_accepting(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await _needs_write()


async def _raises_before_receiving(scope: Scope, receive: Receive, send: Send) -> None:
    await _needs_write()


@pytest.mark.parametrize("app", [_raises_before_accepting, _raises_before_receiving], ids=lambda app: app.__name__)
def test_a_refusal_below_a_websocket_that_is_not_accepted_is_answered_in_full(app: ASGIApp) -> None:
    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD, kind="websocket", extensions=DENIAL), CONNECT)
    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert (_status(sent), _headers(sent)[b"content-type"]) == (403, b"application/problem+json")


@pytest.mark.parametrize("code", [1000, 1008, 1011, 4403])
def test_a_websocket_that_the_application_closes_for_a_refusal_is_closed_with_its_code(code: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await _needs_write()
        except AccessRefused:
            await send({"type": "websocket.close", "code": code})

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD, kind="websocket", extensions=DENIAL), CONNECT)
    assert sent == [{"type": "websocket.close", "code": code}]


def test_a_websocket_that_the_application_denies_itself_is_denied_in_its_words() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await _needs_write()
        except AccessRefused:
            await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"own words"})

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD, kind="websocket", extensions=DENIAL), CONNECT)
    assert (_status(sent), _body(sent)) == (403, b"own words")


def test_a_refusal_below_an_accepted_websocket_closes_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _socket(scope, receive, send)
        await _needs_write()

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD, kind="websocket"), CONNECT)
    assert sent[-1] == {"type": "websocket.close", "code": 1008}


def test_a_store_that_is_down_below_an_accepted_websocket_asks_to_try_again_later() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _socket(scope, receive, send)
        raise StoreUnavailable("Ask(find) raised OSError")

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD, kind="websocket"), CONNECT)
    assert sent[-1] == {"type": "websocket.close", "code": 1013}


def test_a_websocket_s_own_close_is_its_own() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 4000})

    sent = call(AuthMiddleware(app, AUTH), _scope(GOOD, kind="websocket", extensions=DENIAL), CONNECT)
    assert sent == [{"type": "websocket.close", "code": 4000}]

"""One call around an MCP server: who gets in, and who may call which tool."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextvars import Context, ContextVar, copy_context
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from authmw import AccessRefused, Auth, HTTPBearer, Principal, current_principal
from authmw.asgi import AuthMiddleware
from authmw.asgi.mcp import MAX_MESSAGE, protect_mcp
from authmw.asgi.middleware import ASGIApp
from authmw.engine.protected_resource import ProtectedResource
from authmw.errors import ConfigurationError
from authmw.flow import CallMode
from authmw.http.reasons import Reason
from authmw.http.request import Message, Receive, Scope, Send
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated, Rejected, Verdict

RESOURCE: Final = "https://api.example/mcp"
METADATA: Final = "/.well-known/oauth-protected-resource/mcp"
PRINCIPALS: Final[Mapping[str, Principal]] = {
    "none": Principal("none"),
    "reader": Principal("reader", scopes={"orders:read"}),
    "writer": Principal("writer", scopes={"orders:read", "orders:write"}),
    "only-writer": Principal("only-writer", scopes={"orders:write"}),
}


class Tokens:
    """Verifies the tokens of the table, as an issuer does."""

    issuer = "https://id.example"

    def verify(self, credentials: BearerToken, request: object = None, /) -> Verdict:
        known = PRINCIPALS.get(credentials.token)
        return Rejected(Reason.TOKEN_UNKNOWN) if known is None else Authenticated(known)


class Server:
    """An MCP server that notes what reaches it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.sessions: list[bytes | None] = []
        self.lifespans = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self.lifespans += 1
            return
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append((scope["method"], current_principal().id, body))
        self.sessions.append(dict(scope["headers"]).get(b"mcp-session-id"))
        begun = [] if self.sessions[-1] else [(b"Mcp-Session-Id", b"s-1")]
        await send({"type": "http.response.start", "status": 200, "headers": begun})
        await send({"type": "http.response.body", "body": b"{}"})


def protected(server: ASGIApp, **options: Any) -> ASGIApp:
    given: dict[str, Any] = {
        "resource": RESOURCE,
        "scopes": ["orders:read"],
        "tools": {"add_order": ["orders:write"]},
        **options,
    }
    return protect_mcp(server, Tokens(), **given)


def ask(
    app: ASGIApp,
    body: bytes = b"",
    *,
    token: str = "",
    method: str = "POST",
    path: str = "/mcp",
    headers: Mapping[str, str] | None = None,
    chunk: int = 1 << 20,
    kind: str = "http",
) -> tuple[int, dict[str, str], bytes]:
    lines = {"authorization": f"Bearer {token}"} if token else {}
    scope: Scope = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in {**lines, **(headers or {})}.items()],
    }
    sent: list[Message] = []
    chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]

    async def receive() -> Message:
        if kind == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        sent.append(message)

    async def serve() -> None:
        await app(scope, receive, send)

    asyncio.run(serve())
    if sent[0]["type"].startswith("websocket"):
        return sent[0].get("code", 0), {}, b""
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


def call(name: object, **more: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}, **more}).encode()


PING: Final = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'


def test_nobody_gets_in_without_a_token_and_is_told_where_to_get_one() -> None:
    server = Server()
    status, headers, _ = ask(protected(server), PING)
    assert (status, server.seen) == (401, [])
    assert headers["www-authenticate"] == (
        f'Bearer realm="mcp", scope="orders:read", resource_metadata="https://api.example{METADATA}"'
    )


def test_the_metadata_is_there_for_everybody() -> None:
    status, _, body = ask(protected(Server()), method="GET", path=METADATA)
    assert (status, json.loads(body)) == (
        200,
        {
            "resource": RESOURCE,
            "authorization_servers": ["https://id.example"],
            "scopes_supported": ["orders:read", "orders:write"],
            "bearer_methods_supported": ["header"],
        },
    )


@pytest.mark.parametrize("path", ["/", "/mcp/", "/docs", "/.well-known/oauth-protected-resource", f"{METADATA}/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_everything_else_needs_a_token(method: str, path: str) -> None:
    server = Server()
    assert ask(protected(server), PING, method=method, path=path)[0] == 401
    assert not server.seen


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_every_request_needs_the_scopes_of_the_server(method: str) -> None:
    server = Server()
    app = protected(server)
    for token in ("none", "only-writer"):
        status, headers, _ = ask(app, PING, token=token, method=method)
        assert status == 403
        assert 'error="insufficient_scope", scope="orders:read"' in headers["www-authenticate"]
    assert ask(app, PING, token="reader", method=method)[0] == 200
    assert [(seen[0], seen[1]) for seen in server.seen] == [(method, "reader")]


def test_a_tool_that_needs_more_is_called_by_who_has_more() -> None:
    server = Server()
    app = protected(server)
    status, headers, body = ask(app, call("add_order"), token="reader")
    assert status == 403
    assert headers["www-authenticate"] == (
        'Bearer realm="mcp", error="insufficient_scope", scope="orders:read orders:write", '
        f'resource_metadata="https://api.example{METADATA}"'
    )
    assert json.loads(body)["scope"] == "orders:read orders:write"
    assert ask(app, call("list_orders"), token="reader")[0] == 200
    assert ask(app, call("add_order"), token="writer")[0] == 200
    assert [seen[1:] for seen in server.seen] == [("reader", call("list_orders")), ("writer", call("add_order"))]


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_the_server_reads_the_same_body_however_it_came(chunk: int) -> None:
    server = Server()
    assert ask(protected(server), call("add_order", x="ü" * 50), token="writer", chunk=chunk)[0] == 200
    assert server.seen[0][2] == call("add_order", x="ü" * 50)


AMBIGUOUS: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "not JSON": b"{",
    "a batch": b"[" + call("add_order") + b"]",
    "two names": b'{"method":"tools/call","params":{"name":"list_orders","name":"add_order"}}',
    "two methods": b'{"method":"ping","method":"tools/call","params":{"name":"add_order"}}',
    "two params": b'{"method":"tools/call","params":{"name":"list_orders"},"params":{"name":"add_order"}}',
    "UTF-16": call("add_order").decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + call("add_order"),
    "two messages": PING + call("add_order"),
    "NaN": b'{"method":"ping","x":NaN}',
    "deep": b'{"x":' * 513 + b"1" + b"}" * 513,
    "deeper than any reader goes": b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
    "no name": b'{"method":"tools/call","params":{}}',
    "a name that is a list": call(["add_order"]),
    "no params": b'{"method":"tools/call"}',
    "params that are a list": b'{"method":"tools/call","params":["add_order"]}',
    "half a surrogate in a tool": b'{"method":"tools/call","params":{"name":"add_order\\ud800"}}',
    "half a surrogate in a method": b'{"method":"tools/call\\ud800","params":{"name":"add_order"}}',
    "half a surrogate in a name of the message": b'{"method\\ud800":"x","method":"tools/call","params":{"name":"x"}}',
    "half a surrogate beside the tool": b'{"method":"tools/call","params":{"name":"x","name\\udfff":"add_order"}}',
}


def _nested(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {"type": "text", "text": "end"}
    for _ in range(levels):
        document = {"type": "list", "content": [document]}
    return document


@pytest.mark.parametrize(
    "arguments",
    [_nested(16), _nested(200), {"text": "cut \ud83d"}, {"cut \ud83d": [{"\udfff": 1}]}],
    ids=["a document", "the deepest document", "half an emoji", "half an emoji in a name"],
)
@pytest.mark.parametrize("tool, token, status", [("add_order", "reader", 403), ("add_order", "writer", 200)])
def test_the_arguments_of_a_tool_may_be_any_document(arguments: Any, tool: str, token: str, status: int) -> None:
    server = Server()
    message = call(tool, params={"name": tool, "arguments": arguments})
    assert ask(protected(server), message, token=token)[0] == status
    assert [seen[2] for seen in server.seen] == ([message] if status == 200 else [])


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_a_message_that_could_be_read_otherwise_reaches_no_server(case: str) -> None:
    server = Server()
    for token in ("reader", "writer"):
        status, headers, body = ask(protected(server), AMBIGUOUS[case], token=token)
        assert (status, headers["content-type"], json.loads(body)["error"]["code"]) == (400, "application/json", -32700)
        assert headers["cache-control"] == "no-store"
    assert not server.seen


@pytest.mark.parametrize("tool, token, status", [("add_order", "reader", 403), ("add_order", "writer", 200)])
def test_a_large_message_is_looked_through_like_any_other(tool: str, token: str, status: int) -> None:
    server = Server()
    message = call(tool, padding=["x"] * 100_000)
    assert ask(protected(server), message, token=token)[0] == status
    assert [seen[2] for seen in server.seen] == ([message] if status == 200 else [])
    assert ask(protected(server), message[:-1], token=token)[0] == 400


def test_a_name_that_is_escaped_is_the_same_name() -> None:
    server = Server()
    escaped = call("add_order").replace(b"add_order", b"\\u0061dd_order").replace(b"tools/call", b"tools\\/call")
    assert ask(protected(server), escaped, token="reader")[0] == 403
    assert not server.seen


def test_headers_say_nothing_about_what_is_called() -> None:
    server = Server()
    headers = {"mcp-method": "tools/call", "mcp-name": "list_orders"}
    assert ask(protected(server), call("add_order"), token="reader", headers=headers)[0] == 403
    assert not server.seen


def test_a_message_that_is_too_large_is_not_kept() -> None:
    server = Server()
    status, _, _ = ask(protected(server), b" " * (MAX_MESSAGE + 1), token="writer")
    assert (status, server.seen) == (413, [])


def test_no_body_is_read_for_who_is_not_let_in() -> None:
    async def receive() -> Message:
        raise AssertionError("the body was asked for")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 401

    scope: Scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": []}

    async def serve() -> None:
        await protected(Server())(scope, receive, send)

    asyncio.run(serve())


def test_a_client_that_hangs_up_is_not_answered() -> None:
    server = Server()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def serve() -> None:
        authorization = [(b"authorization", b"Bearer writer")]
        scope: Scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": authorization}
        await protected(server)(scope, receive, send)

    asyncio.run(serve())
    assert (server.seen, sent) == ([], [])


def test_without_tools_the_body_is_left_to_the_server() -> None:
    server = Server()
    assert ask(protected(server, tools=None), b"anything", token="reader")[0] == 200
    assert server.seen[0][2] == b"anything"


def test_without_scopes_anybody_with_a_token_may_come() -> None:
    server = Server()
    app = protected(server, scopes=())
    assert ask(app, PING)[0] == 401
    assert ask(app, PING, token="none")[0] == 200
    assert ask(app, call("add_order"), token="reader")[0] == 403


def test_a_public_path_needs_no_token_and_no_scope() -> None:
    server = Server()
    app = protected(server, public=["/health"])
    assert ask(app, method="GET", path="/health")[0] == 200
    assert ask(app, method="GET", path="/health", token="none")[0] == 200
    assert ask(app, PING)[0] == 401


def test_a_preflight_does_not_reach_the_server_unless_it_is_handed_on() -> None:
    asked = {"origin": "http://localhost:6274", "access-control-request-method": "POST"}
    status, _, body = ask(protected(Server()), method="OPTIONS", headers=asked)
    assert (status, body) == (204, b"")
    status, _, body = ask(protected(Server(), preflights="application"), method="OPTIONS", headers=asked)
    assert (status, body) == (200, b"")


def test_a_websocket_on_which_nobody_reads_along_needs_the_scopes_of_every_tool() -> None:
    for token in ("", "none", "reader", "only-writer"):
        assert ask(protected(Server()), kind="websocket", token=token)[0] == 1008
    assert ask(protected(Server()), kind="websocket", token="writer")[0] == 0


def test_the_server_is_told_of_start_up() -> None:
    server = Server()

    async def start() -> None:
        await protected(server)({"type": "lifespan"}, _never, _never)

    asyncio.run(start())
    assert server.lifespans == 1


async def _never(*_: object) -> Any:
    raise AssertionError


def test_a_session_is_continued_by_who_began_it_and_by_nobody_else() -> None:
    server = Server()
    app = protected(server)
    session = ask(app, PING, token="reader")[1]["Mcp-Session-Id"]
    assert ask(app, PING, token="reader", headers={"mcp-session-id": session})[0] == 200
    for method in ("GET", "POST", "DELETE"):
        status, _, body = ask(app, PING, token="writer", method=method, headers={"mcp-session-id": session})
        assert (status, json.loads(body)["error"]["message"]) == (404, "Session not found")
    assert server.sessions == [None, b"s-1"]


@pytest.mark.parametrize("session", ["", "s-1", "s-1.", ".", f"s-1.{'0' * 64}", "s-1.\xff"])
def test_a_session_that_was_made_up_is_none(session: str) -> None:
    server = Server()
    assert ask(protected(server), PING, token="reader", headers={"mcp-session-id": session})[0] == 404
    assert not server.seen


def test_a_session_of_another_server_is_none() -> None:
    session = ask(protected(Server()), PING, token="reader")[1]["Mcp-Session-Id"]
    assert ask(protected(Server()), PING, token="reader", headers={"mcp-session-id": session})[0] == 404


def test_an_auth_of_ones_own_says_what_the_resource_is() -> None:
    @CallMode.NONBLOCKING
    def find(token: str) -> Principal | None:
        return PRINCIPALS.get(token)

    resource = ProtectedResource(RESOURCE, ["https://id.example"])
    app = protect_mcp(Server(), Auth(HTTPBearer(find), realm="orders", resource=resource), scopes=["orders:read"])
    assert ask(app, PING)[1]["www-authenticate"].startswith('Bearer realm="orders", scope="orders:read", resource_')
    assert ask(app, PING, token="reader")[0] == 200


@pytest.mark.parametrize(
    "options, told",
    [
        ({"resource": ""}, "resource="),
        ({"resource": "http://api.example/mcp"}, "resource="),
        ({"scopes": "orders:read"}, "scopes: .* list"),
        ({"tools": {"add_order": "orders:write"}}, r"tools\['add_order'\]: .* list"),
        ({"tools": {"add_order": ["a b"]}}, r"tools\['add_order'\]: 'a b'"),
        ({"public": ["health"]}, "public pattern"),
        ({"authorization_servers": ["http://id.example"]}, "http://id.example"),
    ],
)
def test_a_mistake_is_told_with_its_fix(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        protected(Server(), **options)


def test_clients_have_to_be_able_to_find_the_issuer() -> None:
    with pytest.raises(ConfigurationError, match="list of the issuers"):
        protect_mcp(Server(), HTTPBearerLess(), resource=RESOURCE)
    with pytest.raises(ConfigurationError, match="clients cannot find the issuer"):
        protect_mcp(Server(), Auth(HTTPBearer()))
    resource = ProtectedResource(RESOURCE, ["https://id.example"])
    with pytest.raises(ConfigurationError, match="leave out resource="):
        protect_mcp(Server(), Auth(HTTPBearer(), resource=resource), resource=RESOURCE)


class HTTPBearerLess:
    """A verifier that does not tell whose tokens it takes."""

    def verify(self, credentials: BearerToken, request: object = None, /) -> Verdict:
        return Rejected(Reason.TOKEN_UNKNOWN)


class SDK1:
    """What version 1 of the official SDK does: one task serves a session, in the context of its first request.

    It keeps the request of each message in a context variable of its own, ``mcp.server.lowlevel.server.request_ctx``.
    """

    def __init__(self) -> None:
        self.request_ctx: ContextVar[Any] = ContextVar("request_ctx")
        self._session: Context | None = None
        self.seen: list[tuple[str, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._session is None:
            self._session = copy_context()
        self._session.run(self._message, scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def _message(self, scope: Scope) -> None:
        token = self.request_ctx.set(SimpleNamespace(request=SimpleNamespace(scope=scope)))
        try:
            self.seen.append((current_principal().id, self._tool()))
        finally:
            self.request_ctx.reset(token)

    def _tool(self) -> int:
        try:
            current_principal().require("orders:write")
        except AccessRefused as refused:
            return refused.refusal.status
        return 200

    def outside_of_messages(self) -> str:
        assert self._session is not None
        return self._session.run(lambda: current_principal().id)


def test_a_session_of_the_sdk_1_has_the_caller_of_each_message(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SDK1()
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel.server", cast("Any", server))
    app = protected(server, tools={})
    for token in ("reader", "writer", "reader"):
        assert ask(app, b"{}", token=token)[0] == 200
    assert server.seen == [("reader", 403), ("writer", 200), ("reader", 403)]
    assert server.outside_of_messages() == ""


def test_a_session_of_the_sdk_1_behind_another_middleware_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SDK1()
    monkeypatch.setitem(sys.modules, "mcp.server.lowlevel.server", cast("Any", server))
    app = AuthMiddleware(server, Auth(HTTPBearer(Tokens())))
    for token in ("writer", "reader"):
        assert ask(app, b"{}", token=token)[0] == 200
    assert server.seen == [("writer", 200), ("", 401)]

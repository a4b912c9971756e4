"""Protection of an MCP server over streamable HTTP (Model Context Protocol, "Authorization"): `protect_mcp`.

The engine authenticates each request. Challenges tell clients where to get tokens. A tool may need more scopes. Only
the principal that began a session can continue it.

The body of a message names the tool that it calls. The body is read after authentication, within a limit, and by rules
so strict that the server cannot read the name of another tool in it.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from authmw.asgi.middleware import ASGIApp, AuthMiddleware
from authmw.crypto.jose.strict_json import parse_object
from authmw.engine.adapter import OneOperation
from authmw.engine.auth import Auth
from authmw.engine.context import Call, call_here, copies_of, current_principal, enforce
from authmw.engine.guard import Preflights
from authmw.engine.path_patterns import patterns_in
from authmw.engine.protected_resource import ProtectedResource
from authmw.engine.public_paths import PublicPaths
from authmw.errors import ConfigurationError
from authmw.flow.pool import in_thread
from authmw.http.request import ASGIRequest, BodyIncomplete, BodyTooLarge, Message, Receive, RequestHead, Scope, Send
from authmw.http.response import Response
from authmw.identity.calling import find_calls_by
from authmw.identity.principal import Principal
from authmw.identity.requirement import AUTHENTICATED, Requirement
from authmw.identity.scopes import checked_scopes
from authmw.schemes.http_bearer import HTTPBearer

if TYPE_CHECKING:
    from authmw.identity.credentials import BearerToken
    from authmw.verifiers.base import Verifier

_CALLER: Final = "authmw.caller"
_SDK: Final = "mcp.server.lowlevel.server"

MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Maximum bytes of a message: the limit of the official servers."""
_QUICK: Final = 32 * 1024
"""Bytes of a message that are parsed in less than a millisecond. A larger one is parsed in a thread."""

_DEEPEST: Final = 512
"""The largest depth of a message. Clients send documents as arguments, which nest deeper than tokens do."""

_SESSION: Final = b"mcp-session-id"

_Headers = list[tuple[bytes, bytes]]


def protect_mcp(
    app: ASGIApp,
    by: Verifier[BearerToken] | Auth,
    *,
    resource: str = "",
    authorization_servers: Collection[str] = (),
    scopes: Iterable[str] = (),
    tools: Mapping[str, Iterable[str]] | None = None,
    public: Iterable[str] = (),
    preflights: Preflights = "guard",
    end_connections: bool = True,
) -> AuthMiddleware:
    """Guard the MCP server `app`: each request needs a token, except for the metadata that says where to get one.

    Clients find the authorization server by the challenge of the first 401 (RFC 9728), request tokens for `resource`
    (RFC 8707), and request more scopes when a 403 ``insufficient_scope`` names those of a tool. Below,
    `authmw.current_principal` returns the caller.

    Args:
        app: an ASGI application, as ``mcp.streamable_http_app()`` of the official SDK.
        by: verifies the tokens, which have to be for `resource`; or an `Auth` with a resource of its own, in place of
            `resource` and `authorization_servers`.
        resource: the URL of the server as clients write it: ``https://api.example/mcp``.
        authorization_servers: the issuers whose tokens are accepted; by default the ``issuer`` of `by`.
        scopes: the scopes that each request needs.
        tools: name of a tool → the scopes that a call of it needs besides.
        public: path patterns that need no token, as ``/health``.
        preflights: ``guard`` answers the CORS preflights of browsers; ``application`` hands them on to `app`.
        end_connections: whether streams end with the token that opened them.

    Raises:
        ConfigurationError: every mistake at once.

    >>> from authmw import JWTVerifier, KeyRing
    >>> async def server(scope, receive, send): ...
    >>> tokens = JWTVerifier(KeyRing.generate(), issuer="https://id.example", audience="https://api.example/mcp")
    >>> application = protect_mcp(
    ...     server,
    ...     tokens,
    ...     resource="https://api.example/mcp",
    ...     authorization_servers=["https://id.example"],
    ...     scopes=["orders:read"],
    ...     tools={"add_order": ["orders:write"]},
    ... )
    """
    base = _requirement("scopes", scopes)
    needed = {name: _requirement(f"tools[{name!r}]", each) for name, each in dict(tools or {}).items()}
    supported = dict.fromkeys(scope for each in (base, *needed.values()) for scope in each.scopes)
    auth = _auth(by, resource, authorization_servers, tuple(supported))
    patterns = cast("tuple[str, ...]", patterns_in(public))
    find_calls_by(caller_of_message)
    server = _Server(app, base, {name: base & each for name, each in needed.items()}, PublicPaths(patterns))
    return AuthMiddleware(
        server,
        auth,
        public=patterns,
        preflights=preflights,
        end_connections=end_connections,
        _adapter=OneOperation(base),
    )


class _Server:
    """The server below the middleware: passes a message on if its caller may call the tool in it."""

    def __init__(self, app: ASGIApp, base: Requirement, tools: Mapping[str, Requirement], public: PublicPaths) -> None:
        self._app = app
        self._base = base
        self._tools = tools
        self._everything = base
        for each in tools.values():
            self._everything &= each
        self._public = public
        self._sessions = SessionIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._is_open(ASGIRequest(scope)):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # Messages of a websocket are not read here. So its caller needs the scopes of all tools.
            enforce(self._everything)
            await self._app(scope, receive, send)
            return
        enforce(self._base)
        headers = self._sessions.for_server(scope["headers"], current_principal())
        if headers is None:
            await _NO_SESSION.serve_asgi(scope, receive, send)
            return
        scope, send = {**scope, "headers": headers, _CALLER: copies_of(call_here())}, self._binding_sessions(send)
        if not self._tools or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = ASGIRequest(scope, receive)
        try:
            body = await request.read_body(MAX_MESSAGE)
            called = _called(body) if len(body) <= _QUICK else await in_thread(_called, body)
        except BodyTooLarge:
            await _TOO_LARGE.serve_asgi(scope, receive, send)
        except ValueError:
            await _NOT_JSON.serve_asgi(scope, receive, send)
        except BodyIncomplete:
            return  # the client has disconnected
        else:
            enforce(self._tools.get(called or "", self._base))
            await self._app(scope, request.receive, send)

    def _binding_sessions(self, send: Send) -> Send:
        principal = current_principal()

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._sessions.for_client(message.get("headers", ()), principal)}
            await send(message)

        return bound

    def _is_open(self, request: RequestHead) -> bool:
        # The middleware hands on a preflight only if it was told to, and sends only the headers of the response.
        is_nobody = not current_principal().is_authenticated
        return self._public.matches(request) or (is_nobody and request.is_preflight)


def caller_of_message(_: object) -> Call | None:
    """The caller of the message that version 1 of the official SDK is handling here; None elsewhere.

    In that version, one task serves a whole session in the context of its first request. The SDK keeps the request of
    each message in a context variable. Version 2 handles each message in the context of its request.
    """
    current: Any = getattr(sys.modules.get(_SDK), "request_ctx", None)  # a context variable; version 2 has none
    message: Any = None if current is None else current.get(None)
    scope: Scope = getattr(getattr(message, "request", None), "scope", {})
    make_call: Callable[[], Call] | None = scope.get(_CALLER)
    return None if make_call is None else make_call()


def _called(body: bytes) -> str | None:
    """The tool that a message calls; None for a message that calls none.

    Raises:
        ValueError: it is not exactly one message, or parsers could read it differently. Batches are refused: MCP has
            removed them.
    """
    message = parse_object(body, max_depth=_DEEPEST, half_surrogates=True)
    method: object = message.get("method")
    _refuse_half_surrogates(*message, method)
    if method != "tools/call":
        return None
    params: object = message.get("params")
    members = cast("dict[str, Any]", params) if isinstance(params, dict) else {}
    name: object = members.get("name")
    _refuse_half_surrogates(*members, name)
    if not isinstance(name, str):
        raise ValueError("a tool without a name")
    return name


def _refuse_half_surrogates(*texts: object) -> None:
    """Refuse names that parsers repair in different ways. Arguments may contain them: a text that was cut ends so."""
    "".join(each for each in texts if isinstance(each, str)).encode()  # a UnicodeEncodeError is a ValueError


def _error(status: int, code: int, message: str) -> Response:
    """Response with an error for no particular message: its ``id`` is null (JSON-RPC 2.0 §5.1)."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    body = json.dumps(error, separators=(",", ":")).encode()
    kind = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"))
    return Response(status, kind, body)


_NOT_JSON: Final = _error(400, -32700, "Parse error")
_TOO_LARGE: Final = _error(413, -32600, "The message is too large")
# The response of the official servers to an unknown session: the client begins a new one.
_NO_SESSION: Final = _error(404, -32600, "Session not found")


def _requirement(name: str, scopes: Iterable[str]) -> Requirement:
    try:
        checked = checked_scopes(scopes)
    except ConfigurationError as error:
        raise ConfigurationError(*(f"{name}: {mistake}" for mistake in error.mistakes)) from None
    return Requirement.all_of(*checked) if checked else AUTHENTICATED


def _auth(by: object, resource: str, servers: Collection[str], scopes: tuple[str, ...]) -> Auth:
    if not isinstance(by, Auth):
        issuer: object = getattr(by, "issuer", None)
        found = servers or ([issuer] if isinstance(issuer, str) else [])
        described = ProtectedResource(resource, found, scopes=scopes)
        return Auth(HTTPBearer(cast("Verifier[BearerToken]", by)), realm="mcp", resource=described)
    if resource or servers:
        raise ConfigurationError("the Auth has the resource already: leave out resource= and authorization_servers=")
    if by.resource is None:
        raise ConfigurationError("clients cannot find the issuer: write Auth(..., resource=ProtectedResource(...))")
    return by


class SessionIds:
    """Session IDs bound to the principal that began the session (MCP, "Security Best Practices": session hijacking).

    A server takes any client that sends the ID of a session for the one that began it. So clients get the ID with a MAC
    (HMAC-SHA-256) of the ID and the principal appended, which cannot be made for another principal. Nothing is stored.

    Args:
        entropy: makes the key. The key lives as long as the process, as the sessions of the server do.

    >>> ids = SessionIds()
    >>> seen = ids.for_client([(b"mcp-session-id", b"s-1")], Principal("alice"))
    >>> ids.for_server(seen, Principal("alice"))
    [(b'mcp-session-id', b's-1')]
    >>> ids.for_server(seen, Principal("bob")) is None
    True
    """

    def __init__(self, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._key = entropy(32)

    def for_client(self, headers: Iterable[tuple[bytes, bytes]], principal: Principal) -> _Headers:
        """The headers of a response, with the session ID that `principal` gets."""
        return [
            (name, b"%b.%b" % (value, self._code(value, principal))) if name.lower() == _SESSION else (name, value)
            for name, value in headers
        ]

    def for_server(self, headers: Iterable[tuple[bytes, bytes]], principal: Principal) -> _Headers | None:
        """The headers of a request, with the ID that the server knows; None for a session of another principal."""
        found: _Headers = []
        for name, value in headers:
            session = value
            if name == _SESSION:
                session, _, code = value.rpartition(b".")
                if not hmac.compare_digest(code, self._code(session, principal)):
                    return None
            found.append((name, session))
        return found

    def _code(self, session: bytes, principal: Principal) -> bytes:
        who = [session.decode("latin-1"), principal.kind, principal.id, principal.client_id, principal.scheme]
        return hmac.digest(self._key, json.dumps(who).encode(), "sha256").hex().encode()

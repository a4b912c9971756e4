"""ASGI middleware that authenticates each connection, exposes the caller, and sends refusals (ASGI 3).

It holds no policy: the engine decides, the guard applies the default, and the middleware sends the result. Streaming,
trailers and disconnects work as without it. It covers HTTP and websockets; ``lifespan`` passes through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from authmw.engine import audit
from authmw.engine.auth import Auth
from authmw.engine.authentication import NOBODY, Authentication
from authmw.engine.context import Call
from authmw.engine.declarations import declared_on
from authmw.engine.error_pages import is_added_by_layer, is_error_close, refusal_in, without_repeats
from authmw.engine.guard import OPEN, Guard, GuardSettings, RequirementOf
from authmw.engine.public_paths import Default
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import ASGIRequest, Message, Receive, RequestHead, Scope, Send
from authmw.http.response import POLICY_VIOLATION, WITHOUT_CONTENT, is_sent_to_preflight, joined
from authmw.identity.calling import current_call
from authmw.identity.principal import Principal

# The types of scopes and messages differ between frameworks. Applications of all of them are accepted.
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

_SERVER_ERROR: Final = 500


class GrantedScopes:
    """Value of ``scope["auth"]`` in Starlette's sense: ``authenticated``, and the scopes of the principal."""

    __slots__ = ("_principal",)

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    @property
    def scopes(self) -> list[str]:
        """``authenticated`` and the principal's scopes; empty for an anonymous caller."""
        return ["authenticated", *sorted(self._principal.scopes)] if self._principal.is_authenticated else []


class AuthMiddleware:
    """Guards an ASGI application: ``application = AuthMiddleware(application, auth, public=["/health"])``.

    Below it, the scope has ``authmw.principal`` and ``authmw.scopes``, and ``user`` and ``auth`` in Starlette's sense.
    `authmw.current_principal` returns the same principal anywhere. Websockets are guarded before they are accepted.

    Args:
        app: the application.
        auth: the schemes by which requests authenticate.
        default: ``deny`` refuses requests without credentials, except for `public`; ``allow`` leaves it to decorators.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``, below ``root_path``.
        requirement_of: finds the requirement of a request's operation in the route table; adapters pass it.
        own_credentials: whether the endpoint of a request authenticates it itself; adapters pass it.
        carry: makes the exception that carries a refusal through the framework below, from the scope that the
            application got; adapters pass it.

    Raises:
        ConfigurationError: every mistake at once.
    """

    def __init__(
        self,
        app: ASGIApp,
        auth: Auth,
        *,
        default: Default = "deny",
        public: Iterable[str] = (),
        requirement_of: RequirementOf | None = None,
        own_credentials: Callable[[RequestHead], bool] | None = None,
        carry: Callable[[Scope, Refusal], AccessRefused] | None = None,
    ) -> None:
        self.app = app
        self._own_credentials = own_credentials
        self.carry = carry
        """Makes the exception that carries a refusal through the framework below."""
        self.auth = auth
        requirement_of = requirement_of or declared_on(app)
        self._guard = Guard(auth, default=default, public=public, requirement_of=requirement_of)
        self.guard_settings: GuardSettings = self._guard.settings
        """The settings of the guard in front of the application."""
        self._recall = None if auth.memo is None else auth.memo.recall
        self.vary: list[tuple[bytes, bytes]] = [(b"vary", auth.vary.encode("latin-1"))] if auth.vary else []
        """The ``Vary`` header: the request headers that responses depend on (RFC 9110 §12.5.5)."""
        self._resource = auth.resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection.

        Raises:
            ValueError: the scope is of an unknown type, so it cannot be guarded.
        """
        kind = scope["type"]
        if kind == "lifespan":
            await self.app(scope, receive, send)
            return
        if kind not in ("http", "websocket"):
            raise ValueError(f"an ASGI scope of type {kind!r} cannot be guarded")
        if self._resource is not None and kind == "http" and scope["path"].endswith(self._resource.metadata_path):
            response = self._resource.respond(ASGIRequest(scope))
            if response is not None:
                await response.serve_asgi(scope, receive, send)
                return
        if self._recall is not None:
            header = _only_authorization(scope["headers"])
            known = self._recall(header) if header is not None else None
            if known is not None:
                await _Passing(self, scope, receive, send, known).run()
                return
        request = ASGIRequest(scope, receive)
        if self._own_credentials is not None and self._own_credentials(request):
            await _Passing(self, scope, receive, send, NOBODY).run()
            return
        found = await self.auth.authenticate_async(request)
        passage = found if isinstance(found, Refusal) else self._guard.admit(found, request)
        if isinstance(passage, Refusal):
            await passage.response().serve_asgi(scope, receive, send)
        elif not isinstance(found, Refusal):
            passing = _Passing(self, scope, request.receive, send, found)
            passing.headers_only = passage is not OPEN
            await passing.run()


class _Passing(Call):
    """One connection that passes through the application, and its response."""

    headers_only = False
    started = False
    """The application's response has started, or its websocket was accepted."""
    answered = False
    """A complete response was sent instead of the application's, whose further messages are dropped."""
    connected = False
    """The application has received something."""

    def __init__(
        self, middleware: AuthMiddleware, scope: Scope, receive: Receive, send: Send, authentication: Authentication
    ) -> None:
        self.auth = middleware.auth
        self.authentication = authentication
        self._request = None
        self._middleware = middleware
        self._scope = _exposed(scope, authentication)
        self._receive = receive
        self._send = send

    def refuse_with(self, refusal: Refusal) -> AccessRefused:
        carry = self._middleware.carry
        return AccessRefused(refusal) if carry is None else carry(self._scope, refusal)

    @property
    def has_adapter(self) -> bool:
        return self._middleware.carry is not None

    def _make_request(self) -> ASGIRequest:
        return ASGIRequest(self._scope)

    async def run(self) -> None:
        audit.admitted(self.authentication.principal, self._make_request)
        is_websocket = self._scope["type"] == "websocket"
        receive = self.receive if is_websocket else self._receive
        token = current_call.set(self)
        try:
            await self._middleware.app(self._scope, receive, self.send)
        except Exception as error:
            refusal = refusal_in(error)
            if self.answered and (refusal or refusal_in(error.__cause__)):
                return  # the framework raised it again after its error page, or raised an error in answer to it
            if refusal is None:
                raise
            if not self.started:
                await self._replace(refusal)
            elif is_websocket:
                await self._send({"type": "websocket.close", "code": POLICY_VIOLATION})
            else:
                raise
        finally:
            current_call.reset(token)
            self.end()

    async def receive(self) -> Message:
        """The ``receive`` that the application gets, for websockets."""
        message = await self._receive()
        self.connected = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """The ``send`` that the application gets. No coroutine function: the application awaits the result."""
        kind = message["type"]
        if self.answered:
            return _nothing()
        if kind in ("http.response.start", "websocket.http.response.start"):
            headers = message.get("headers", ())
            refusal = None if self.refused is None else self.refusal_for(message["status"])
            if refusal is not None:
                return self._replace(refusal, headers)
            self.started = True
            headers = [*headers, *self._own(headers)]
            message = {**message, "headers": headers if kind == "http.response.start" else joined(headers)}
            return self._send_head(message) if self.headers_only else self._send(message)
        if kind == "websocket.accept":
            self.started = True
        elif kind == "websocket.close" and self.refused is not None and not self.started:
            refusal = self.refusal_for(_SERVER_ERROR) if is_error_close(message.get("code", 1000)) else None
            if refusal is not None:
                return self._replace(refusal)
        return self._send(message)

    def _own(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers that are added to the `headers` of the application's response."""
        own = self._middleware.vary
        if self.authentication.headers:
            own = own + _encoded(self.authentication.headers)
        return own if self.refused is None else _encoded(without_repeats(_decoded(own), _decoded(headers)))

    async def _send_head(self, message: Message) -> None:
        """Send the head of the application's response, and none of its content."""
        self.answered = True
        kept = [each for each in message["headers"] if is_sent_to_preflight(each[0].decode("latin-1"))]
        if message["status"] not in WITHOUT_CONTENT:
            kept.append((b"content-length", b"0"))
        await self._send({"type": "http.response.start", "status": message["status"], "headers": kept})
        await self._send({"type": "http.response.body", "body": b""})

    async def _replace(self, refusal: Refusal, replaced: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send `refusal`, with the headers that layers added to the error page that it replaces."""
        self.refused = None
        self.answered = self.started = True
        response = refusal.response()
        kept = [each for each in _decoded(replaced) if is_added_by_layer(each[0])]
        owed = without_repeats(self.authentication.headers, response.headers)
        response = dataclasses.replace(response, headers=(*response.headers, *kept, *owed))
        await response.serve_asgi(self._scope, self._receive, self._send, connected=self.connected)


async def _nothing() -> None:
    """The ``send`` of a message that is dropped."""


def _exposed(scope: Scope, authentication: Authentication) -> Scope:
    """A copy of `scope` with the result of authentication in it."""
    principal = authentication.principal
    exposed = {
        **scope,
        "authmw.principal": principal,
        "authmw.scopes": principal.scopes,
        "user": principal,
        "auth": GrantedScopes(principal),
    }
    if authentication.credentials is not None:
        exposed["authmw.credentials"] = authentication.credentials
    return exposed


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _only_authorization(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The only ``Authorization`` header; None where there is none, and None where there are two."""
    found: bytes | None = None
    for name, value in headers:
        if name == b"authorization":
            if found is not None:
                return None
            found = value
    return found

"""ASGI middleware that authenticates each connection, exposes the caller, and sends refusals (ASGI 3).

It holds no policy: the engine decides, the guard applies the default, and the middleware sends the result. Streaming,
trailers and disconnects work as without it. It covers HTTP and websockets; ``lifespan`` passes through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from authmw.asgi.open_connection import OpenConnection, Receiving, is_event_stream
from authmw.asgi.routed import scope_of
from authmw.engine import audit
from authmw.engine.adapter import Adapter
from authmw.engine.auth import Auth
from authmw.engine.authentication import ENDED, LEFT_ALONE, ONLY_PRIVATE, OWN_CREDENTIALS, PRIVATE, Authentication
from authmw.engine.context import Call
from authmw.engine.declarations import adapter_of
from authmw.engine.error_pages import is_added_by_layer, is_error_close, refusal_in, says_caching, without_repeats
from authmw.engine.guard import OPEN, Guard, GuardSettings, Passage, Preflights, preflight_response
from authmw.engine.hidden_credentials import HiddenCredentials
from authmw.engine.path_rules import Needs
from authmw.engine.promise import PROMISES, Promise, promise_for
from authmw.engine.public_paths import Default
from authmw.errors import ConfigurationError, Unavailable, explains_arguments
from authmw.flow.application_code import takes
from authmw.http.origin import HIDDEN, OWN_SITE, SAFE_METHODS
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import ASGIRequest, Message, Receive, RequestHead, Scope, Send
from authmw.http.response import WITHOUT_CONTENT, Response, is_for_cors, is_sent_to_preflight, joined
from authmw.identity.calling import current_call
from authmw.identity.principal import Principal
from authmw.identity.validity import Ending

# The types of scopes and messages differ between frameworks. Applications of all of them are accepted.
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application: it is called with a scope, and with what receives and sends messages."""

_SERVER_ERROR: Final = 500
_BESIDE_COOKIES: Final = frozenset({b"authorization", b"cookie", b"upgrade", b"sec-fetch-site", b"origin"})
"""The headers that say whether a cookie decides alone about the credentials of a request."""
_OWN_SITE: Final = OWN_SITE.encode()
_HIDDEN: Final = HIDDEN.encode()


class GrantedScopes:
    """Value of ``scope["auth"]`` in Starlette's sense: ``authenticated``, and the scopes of the principal."""

    __slots__ = ("_principal",)

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    @property
    def scopes(self) -> list[str]:
        """``authenticated`` and the principal's scopes; empty for an anonymous caller."""
        return ["authenticated", *sorted(self._principal.scopes)] if self._principal.is_authenticated else []


def _check_is_asgi(app: object) -> None:
    """Refuse an application of WSGI, as far as it can be told: one that takes two arguments, and not three."""
    if takes(app, 2) and not takes(app, 3):
        raise ConfigurationError(
            "this is authmw.asgi, and the application is none of ASGI: write from authmw.wsgi import AuthMiddleware, "
            "or FlaskAuth(app, auth) of authmw_flask for Flask"
        )


@explains_arguments('AuthMiddleware(app, auth, public=["/health"])')
class AuthMiddleware:
    """Guards an ASGI application: ``application = AuthMiddleware(application, auth, public=["/health"])``.

    Below it, the scope has ``authmw.principal`` and ``authmw.scopes``, and ``user`` and ``auth`` in Starlette's sense.
    `authmw.current_principal` returns the same principal anywhere. Websockets are guarded before they are accepted.

    Args:
        app: the application.
        auth: the schemes by which requests authenticate.
        default: ``deny`` refuses requests without credentials, except for `public`; ``allow`` leaves it to decorators.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``, below ``root_path``.
        preflights: ``guard`` answers the CORS preflights of strangers; ``application`` hands them on, so that any layer
            and handler of the application may run for them, and withholds the content of the answer.
        needs: rules from outside, as ``{"GET /api/*": "read", "/api/*": "write"}``: path pattern → scopes. The longest
            path wins, then the one with a method. They add to what decorators declare.
        leave: path patterns of the parts whose program authenticates its callers itself. Nothing of a request is looked
            at there, and no identity is set.
        hide_credentials: whether the headers, cookies and query parameters that `auth` reads are taken out of the scope
            that the application gets. At `leave` paths they stay.
        end_connections: whether a websocket, an event stream or another response that is sent in parts ends once the
            credentials that opened it expire or are revoked, or its session ends or its user is disabled.
        _adapter: that of the framework of `app`, if it has one.

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
        preflights: Preflights = "guard",
        needs: Needs | None = None,
        leave: Iterable[str] = (),
        hide_credentials: bool = False,
        end_connections: bool = True,
        _adapter: Adapter | None = None,
    ) -> None:
        self.app = app
        self.auth = auth
        self.adapter: Adapter = _adapter or adapter_of(app)
        """The adapter of the framework of the application."""
        self.guard: Guard = Guard(
            auth, self.adapter, default=default, public=public, preflights=preflights, needs=needs, leave=leave
        )
        """The guard in front of the application."""
        self._has_rules = self.guard.has_rules
        self._leaves_paths = self.guard.leaves_paths
        _check_is_asgi(app)
        self.hidden: HiddenCredentials | None = HiddenCredentials(auth.schemes) if hide_credentials else None
        """What is taken out of the scope that the application gets; None for nothing."""
        self.end_connections: bool = end_connections
        """Whether connections end with what opened them."""
        self.guard_settings: GuardSettings = self.guard.settings
        """The settings of the guard in front of the application."""
        self._recall = None if auth.memo is None else auth.memo.recall
        self._recall_cookies = auth.recall_cookies
        self._recall_key = auth.recall_key
        self._key_name = auth.key_header.encode("latin-1")
        # The headers that say which of them alone decides about the credentials of a request.
        self._deciding = _BESIDE_COOKIES if auth.recall_cookies else frozenset({b"authorization", self._key_name})
        # An end of a path ends with its last segment, so whatever else is among these takes the longer way.
        self._may_read_own = type(self.adapter).reads_own_credentials is not Adapter.reads_own_credentials
        self._own_names = frozenset(end.rpartition("/")[2] for end in self.adapter.own_ends)
        self.vary: list[tuple[bytes, bytes]] = [(b"vary", auth.vary.encode("latin-1"))] if auth.vary else []
        """The ``Vary`` header: the request headers that responses depend on (RFC 9110 §12.5.5)."""
        self.vary_and_private: list[tuple[bytes, bytes]] = [*self.vary, *_encoded([PRIVATE])]
        """`vary`, and what keeps the response out of shared caches."""
        self._preflight = preflight_response(auth.vary)
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
        if self._leaves_paths and self.guard.leaves(request := ASGIRequest(scope, receive)):
            await self._pass(self.guard.promised, LEFT_ALONE, request, send)
            return
        recalled: Authentication | None = None
        if self._recall_cookies is not None or self._recall_key is not None:
            recalled = self._recalled(scope)
        elif self._recall is not None:
            header = _only_authorization(scope["headers"])
            recalled = self._recall(header) if header is not None else None
        if recalled is not None and not self._has_rules:
            await _Passing(self, scope, receive, send, recalled).run()
            return
        found: Authentication | Refusal | None = recalled
        request = ASGIRequest(scope, receive)
        if self._may_read_own and self.adapter.reads_own_credentials(request):
            await request.keep_body()
            await self._pass(self.guard.passage_by_table(request), OWN_CREDENTIALS, request, send)
            return
        if found is None:
            found = await self.auth.authenticate_async(request)
        passage = found if isinstance(found, Refusal) else self.guard.admit(found, request)
        if isinstance(passage, Refusal):
            response = await self.response_to(passage, scope, receive)
            await response.serve_asgi(scope, receive, send)
        elif not isinstance(found, Refusal):
            await self._pass(passage, found, request, send)

    def _recalled(self, scope: Scope) -> Authentication | None:
        """The remembered result, where one header decides about the credentials of the request."""
        deciding: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in self._deciding:
                deciding[name] = b"" if name in deciding else value  # of two, none is the whole
        authorization = deciding.get(b"authorization")
        if authorization is not None:
            return None if self._recall is None else self._recall(authorization)
        if self._recall_key is not None:
            key = deciding.get(self._key_name)
            if not key or (self._own_names and scope["path"].rpartition("/")[2] in self._own_names):
                return None
            return self._recall_key(key)
        cookies = deciding.get(b"cookie")
        if (
            self._recall_cookies is None
            or not cookies
            or b"upgrade" in deciding
            or scope["type"] != "http"
            or (scope["method"] not in SAFE_METHODS and not _is_from_own_page(deciding))
            or (self._own_names and scope["path"].rpartition("/")[2] in self._own_names)
        ):
            return None
        return self._recall_cookies(cookies)

    def _pass(self, passage: Passage, found: Authentication, request: ASGIRequest, send: Send) -> Awaitable[None]:
        scope, receive = request.scope, request.channel
        if passage is OPEN:
            return _Passing(self, scope, receive, send, found).run()
        if passage is Passage.PREFLIGHT_ANSWERED:
            return self.answer_preflight(scope, receive, send)
        if passage is Passage.PREFLIGHT_PASSED:
            return _PassingPreflight(self, scope, receive, send, found).run()
        return _PassingByPromise(self, scope, receive, send, found).run_by(self.promise(request))

    def promise(self, request: ASGIRequest) -> Promise:
        """The promise by which a stranger passes. Adapters override it."""
        return promise_for(request)

    async def response_to(self, refusal: Refusal, scope: Scope, receive: Receive) -> Response:
        """The response to `refusal`. Adapters override it: an error handler may make the page for a navigation."""
        return refusal.response()

    def answer_preflight(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a CORS preflight in front of the application. Adapters override it."""
        return self._preflight.serve_asgi(scope, receive, send)


class _Passing(Call):
    """One connection that passes through the application, and its response."""

    started = False
    """The application's response has started, or its websocket was accepted."""
    answered = False
    """A complete response was sent instead of the application's, whose further messages are dropped."""
    connected = False
    """The application has received something."""
    connection: OpenConnection | None = None
    """The connection, once it stays open and may be ended."""
    _receiving: Receiving | None = None
    _head: Iterable[tuple[bytes, bytes]] = ()

    def __init__(
        self, middleware: AuthMiddleware, scope: Scope, receive: Receive, send: Send, authentication: Authentication
    ) -> None:
        self.auth = middleware.auth
        self.authentication = authentication
        self._middleware = middleware
        self.scope = _exposed(scope, authentication)
        self._receive_here = receive
        self._send_here = send
        # What may end the connection; None if nothing does.
        self._ends_with = authentication if authentication.lasts and middleware.end_connections else None

    def refuse_with(self, refusal: Refusal) -> AccessRefused:
        return self._middleware.adapter.carry(refusal, self.request)

    @property
    def has_adapter(self) -> bool:
        return self._middleware.adapter.keeps_promises

    def _make_request(self) -> ASGIRequest:
        return ASGIRequest(self.scope)

    @property
    def arrived(self) -> RequestHead:
        scope = scope_of(self)
        return self.request if scope is None or scope is self.scope else ASGIRequest(scope)

    async def run(self) -> None:
        audit.admitted(self.authentication.principal, self)
        middleware, scope = self._middleware, self.scope
        is_websocket = scope["type"] == "websocket"
        receive = self.receive if is_websocket or self._ends_with else self._receive
        if middleware.hidden is not None:
            scope = self._shown(middleware.hidden)
        token = current_call.set(self)
        try:
            await middleware.app(scope, receive, self.send)
        except Exception as error:
            if self.connection is not None and self.connection.caused(error):
                return
            if self.answered and (isinstance(error, Unavailable) or refusal_in(error) or refusal_in(error.__cause__)):
                return  # the framework raised it again after its error page, or raised an error in answer to it
            refusal = self.refusal_of(error)
            if refusal is None:
                raise
            if not self.started:
                await self._replace(refusal)
            elif is_websocket and (self.connection is None or not self.connection.is_ended):
                await self._send({"type": "websocket.close", "code": refusal.response().close_code})
            else:
                raise
        finally:
            current_call.reset(token)
            self.authentication = ENDED  # as end(), without the call
            if self.own_user is not None:
                self.own_user = None
            if self.refused is not None:
                self.refused = None
            if self.connection is not None:
                await self.connection.finish()

    def _shown(self, hidden: HiddenCredentials) -> Scope:
        """The scope that the application gets, without credentials."""
        if self.authentication is OWN_CREDENTIALS or self.authentication is LEFT_ALONE:
            return self.scope
        return hidden.scope(self.scope)

    async def receive(self) -> Message:
        """The ``receive`` that the application gets, for websockets and where the connection may be ended."""
        message = await (self._receiver().receive() if self._ends_with else self._receive())
        self.connected = True
        return message

    def _receiver(self) -> Receiving:
        if self._receiving is None:
            self._receiving = Receiving(self._receive)
        return self._receiving

    def _stay_open(self, message: Message) -> Awaitable[None]:
        """Send `message`, after which the connection stays open until it is ended."""
        self.connection = OpenConnection(
            self.scope["type"],
            () if self._ends_with is None else self._ends_with.validities,
            dict(self._head),
            has_trailers=bool(message.get("trailers")),
            send=self._send,
            receiving=self._receiver(),
            noted=self._note,
        )
        return self.connection.send(message)

    def _note(self, ending: Ending) -> None:
        audit.closed(ending, self.authentication.principal, self.request)

    def send(self, message: Message) -> Awaitable[None]:
        """The ``send`` that the application gets. No coroutine function: the application awaits the result."""
        kind = message["type"]
        if self.answered:
            return _nothing()
        if kind == "http.response.body":  # first, since most messages are of this type
            if self.connection is None:
                if not message.get("more_body"):
                    return self._send(message)
                return self._stay_open(message) if self._ends_with else self._send_here(message)
            return self.connection.send(message)
        if kind in ("http.response.start", "websocket.http.response.start"):
            headers = message.get("headers", ())
            status = message["status"]
            refusal = None if self.refused is None and status != _SERVER_ERROR else self.refusal_for(status)
            if refusal is not None:
                return self._replace(refusal, headers)
            self.started = True
            headers = [*headers, *self._own(headers)]
            if kind != "http.response.start":
                return self._send({**message, "headers": joined(headers)})
            message = dict(message)
            message["headers"] = headers
            if self._ends_with:
                self._head = headers
                if is_event_stream(headers):  # it stays open before its first part is there
                    return self._stay_open(message)
            return self._send_here(message)
        return self._send_other(message, kind) if self.connection is None else self.connection.send(message)

    def _send_other(self, message: Message, kind: str) -> Awaitable[None]:
        """Send a message of a type that is rarer than those of responses."""
        if kind == "websocket.accept":
            self.started = True
            if self.authentication.headers:
                headers = message.get("headers", ())
                owed = without_repeats(self.authentication.headers, _decoded(headers))
                message = {**message, "headers": [*headers, *_encoded(each for each in owed if each != PRIVATE)]}
            if self._ends_with:
                return self._stay_open(message)
        elif kind == "http.response.zerocopysend":
            if self._ends_with and message.get("more_body"):
                return self._stay_open(message)
        elif kind == "websocket.close" and self.refused is not None and not self.started:
            refusal = self.refusal_for(_SERVER_ERROR) if is_error_close(message.get("code", 1000)) else None
            if refusal is not None:
                return self._replace(refusal)
        return self._send(message)

    async def _receive(self) -> Message:
        """The next message of the server. Servers begin the next request of a connection in the context of whoever
        receives, when they resume reading, or of whoever sends the last message: there is no caller in it.
        """
        token = current_call.set(None)
        try:
            return await self._receive_here()
        finally:
            current_call.reset(token)

    async def _send(self, message: Message) -> None:
        """Send a message to the server, where there is no caller in the context, as in `_receive`."""
        token = current_call.set(None)
        try:
            await self._send_here(message)
        finally:
            current_call.reset(token)

    def _own(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers that are added to the `headers` of the application's response."""
        owed = self.authentication.headers
        if owed is ONLY_PRIVATE and self.refused is None:  # by a cookie: nothing is compared
            return self._middleware.vary if says_caching(headers) else self._middleware.vary_and_private
        own = [] if self.authentication is LEFT_ALONE else self._middleware.vary
        if owed:
            own = own + _encoded(without_repeats(owed, _decoded(headers)))
        return own if self.refused is None else _encoded(without_repeats(_decoded(own), _decoded(headers)))

    async def _replace(self, refusal: Refusal, replaced: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send `refusal`, with the headers that layers added to the error page that it replaces."""
        self.refused = None
        self.answered = self.started = True
        response = await self._middleware.response_to(refusal, self.scope, self._receive)
        kept = [each for each in _decoded(replaced) if is_added_by_layer(each[0])]
        owed = without_repeats(self.authentication.headers, response.headers)
        response = dataclasses.replace(response, headers=(*response.headers, *kept, *owed))
        await response.serve_asgi(self.scope, self._receive, self._send, connected=self.connected)


class _PassingPreflight(_Passing):
    """A CORS preflight that the application answers: nothing of the content is sent."""

    def send(self, message: Message) -> Awaitable[None]:
        is_start = message["type"] == "http.response.start"
        return self._send_head(message) if is_start else super().send(message)

    async def _send_head(self, message: Message) -> None:
        kept = [each for each in message.get("headers", ()) if is_sent_to_preflight(each[0].decode("latin-1"))]
        if message["status"] not in WITHOUT_CONTENT:
            kept.append((b"content-length", b"0"))
        await super().send({**message, "headers": kept})
        if not self.answered:
            self.answered = True
            await self._send({"type": "http.response.body", "body": b""})


class _PassingByPromise(_Passing):
    """A connection of a stranger that passes for the sake of one public endpoint."""

    _promise: Promise
    promises: tuple[Promise, ...]
    """All promises of the request, those of guards further out first."""

    def run_by(self, promise: Promise) -> Awaitable[None]:
        """Serve the connection. `promise` is in the scope of the application too."""
        self._promise = promise
        self.promises = self.scope[PROMISES] = (*self.scope.get(PROMISES, ()), promise)
        return self.run()

    def send(self, message: Message) -> Awaitable[None]:
        if self.answered or self._promise.allows(message.get("status", 0)):
            return super().send(message)
        for_cors = [each for each in message.get("headers", ()) if is_for_cors(each[0].decode("latin-1"))]
        return self._replace(self.refusal_of_stranger(), for_cors)


async def _nothing() -> None:
    """The ``send`` of a message that is dropped."""


def _exposed(scope: Scope, authentication: Authentication) -> Scope:
    """A copy of `scope` with the result of authentication in it."""
    principal = authentication.principal
    exposed: Scope = dict(scope)
    exposed["authmw.principal"] = principal
    exposed["authmw.scopes"] = principal.scopes
    if authentication is LEFT_ALONE:
        return exposed
    exposed["user"] = principal
    exposed["auth"] = GrantedScopes(principal)
    if authentication.credentials is not None:
        exposed["authmw.credentials"] = authentication.credentials
    return exposed


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _is_from_own_page(headers: Mapping[bytes, bytes]) -> bool:
    """As `authmw.http.origin.cause_of`, where ``Sec-Fetch-Site`` says so."""
    return headers.get(b"sec-fetch-site") == _OWN_SITE and headers.get(b"origin") != _HIDDEN


def _only_authorization(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The only ``Authorization`` header; None where there is none, and None where there are two."""
    found: bytes | None = None
    for name, value in headers:
        if name == b"authorization":
            if found is not None:
                return None
            found = value
    return found

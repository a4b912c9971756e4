"""WSGI middleware that authenticates each request, exposes the caller, and sends refusals (PEP 3333).

It holds no policy: the engine decides, the guard applies the default, and the middleware sends the result. Streaming,
``write()``, ``close()`` and ``wsgi.file_wrapper`` work as without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from authmw.engine import audit
from authmw.engine.adapter import Adapter
from authmw.engine.auth import Auth, Recall
from authmw.engine.authentication import (
    ENDED,
    LEFT_ALONE,
    NOBODY,
    ONLY_PRIVATE,
    OWN_CREDENTIALS,
    PRIVATE,
    Authentication,
)
from authmw.engine.context import Call
from authmw.engine.declarations import adapter_of
from authmw.engine.error_pages import is_added_by_layer, says_caching, without_repeats
from authmw.engine.guard import OPEN, Guard, GuardSettings, Passage, Preflights, preflight_response
from authmw.engine.hidden_credentials import HiddenCredentials
from authmw.engine.path_rules import Needs
from authmw.engine.promise import PROMISES, Promise, promise_for
from authmw.engine.public_paths import Default
from authmw.errors import ConfigurationError, Unavailable, explains_arguments
from authmw.flow.application_code import takes
from authmw.flow.clocks import monotonic
from authmw.http.origin import HIDDEN, OWN_SITE, SAFE_METHODS
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import Environ, RequestHead, WSGIRequest, variable
from authmw.http.response import WITHOUT_CONTENT, Response, StartResponse, WSGIApp, is_for_cors, is_sent_to_preflight
from authmw.identity.calling import current_call
from authmw.identity.validity import Ending
from authmw.stores.asynchronous import check_for_wsgi
from authmw.wsgi.streams import Stream, is_event_stream

Headers = list[tuple[str, str]]


def _check_is_wsgi(app: object) -> None:
    """Refuse an application of ASGI, as far as it can be told: one that takes three arguments, and not two."""
    if takes(app, 3) and not takes(app, 2):
        raise ConfigurationError(
            "this is authmw.wsgi, and the application is none of WSGI: write from authmw.asgi import AuthMiddleware, "
            "or from authmw_starlette for Starlette"
        )


@explains_arguments('AuthMiddleware(app, auth, public=["/health"])')
class AuthMiddleware:
    """Guards a WSGI application: ``application = AuthMiddleware(application, auth, public=["/health"])``.

    Below it, the environ has ``authmw.principal`` and ``authmw.scopes``. It has ``REMOTE_USER`` and ``AUTH_TYPE`` if,
    and only if, the caller is authenticated. `authmw.current_principal` returns the same principal anywhere.

    Args:
        app: the application.
        auth: the schemes by which requests authenticate.
        default: ``deny`` refuses requests without credentials, except for `public`; ``allow`` leaves it to decorators.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``, below ``SCRIPT_NAME``.
        preflights: ``guard`` answers the CORS preflights of strangers; ``application`` hands them on, so that any layer
            and handler of the application may run for them, and withholds the content of the answer.
        needs: rules from outside, as ``{"GET /api/*": "read", "/api/*": "write"}``: path pattern → scopes. The longest
            path wins, then the one with a method. They add to what decorators declare.
        leave: path patterns of the parts whose program authenticates its callers itself. Nothing of a request is looked
            at there, no identity is set, and ``REMOTE_USER`` stays as the server set it.
        hide_credentials: whether the headers, cookies and query parameters that `auth` reads are taken out of the
            environ that the application gets. At `leave` paths they stay.
        end_connections: whether an event stream or another response that is sent in parts ends, between two of them,
            once the credentials expire or are revoked, or the session ends or the user is disabled.
        _adapter: that of the framework of `app`, if it has one.

    Raises:
        ConfigurationError: every mistake at once.
    """

    def __init__(
        self,
        app: WSGIApp,
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
        self._around = self.adapter.around
        self.asks_served: bool = type(self.adapter).served is not Adapter.served
        """Whether the adapter knows which request the framework serves."""
        self.guard: Guard = Guard(
            auth, self.adapter, default=default, public=public, preflights=preflights, needs=needs, leave=leave
        )
        """The guard in front of the application."""
        self._has_rules = self.guard.has_rules
        _check_is_wsgi(app)
        check_for_wsgi(*(scheme.verifier for scheme in auth.schemes))
        self.hidden: HiddenCredentials | None = HiddenCredentials(auth.schemes) if hide_credentials else None
        """What is taken out of the environ that the application gets; None for nothing."""
        self.end_connections: bool = end_connections
        """Whether responses that are sent in parts end with what opened them."""
        self.guard_settings: GuardSettings = self.guard.settings
        """The settings of the guard in front of the application."""
        self._recall = None if auth.memo is None else auth.memo.recall
        self._recall_cookies = auth.recall_cookies
        self._recall_key = auth.recall_key
        self._key_variable = variable(auth.key_header)
        # An end of a path ends with its last segment, so whatever else is among these takes the longer way.
        self._may_read_own = type(self.adapter).reads_own_credentials is not Adapter.reads_own_credentials
        self._own_names = frozenset(end.rpartition("/")[2] for end in self.adapter.own_ends)
        self.vary: Headers = [("Vary", auth.vary)] if auth.vary else []
        """The ``Vary`` header: the request headers that responses depend on (RFC 9110 §12.5.5)."""
        self.vary_and_private: Headers = [*self.vary, PRIVATE]
        """`vary`, and what keeps the response out of shared caches."""
        self._preflight = preflight_response(auth.vary)
        self._resource = auth.resource
        self._has_own_paths = auth.resource is not None or self.guard.leaves_paths

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if self._has_own_paths:
            served = self._serve_own_path(environ, start_response)
            if served is not None:
                return served
        recalled: Authentication | None = None
        header = environ.get("HTTP_AUTHORIZATION")
        if header and self._recall is not None:
            recalled = self._recall(header.encode("utf-8", "replace"))
        elif header is None:
            if self._recall_key is not None:
                recalled = self._recalled_by_key(environ, self._recall_key)
            elif self._recall_cookies is not None:
                recalled = self._recalled(environ, self._recall_cookies)
        if recalled is not None and not self._has_rules:
            return _Passing(self, environ, start_response, recalled).run()
        request = WSGIRequest(environ)
        request.around = self._around
        if self._may_read_own and self.adapter.reads_own_credentials(request):
            request.keep_body()
            return self._pass(self.guard.passage_by_table(request), OWN_CREDENTIALS, request, start_response)
        found = self.auth.authenticate(request) if recalled is None else recalled
        if isinstance(found, Refusal):
            return self._refuse(found, environ, start_response)
        passage = self.guard.admit(found, request)
        if passage is OPEN:
            return _Passing(self, environ, start_response, found).run()
        if isinstance(passage, Refusal):
            return self._refuse(passage, environ, start_response)
        return self._pass(passage, found, request, start_response)

    def _serve_own_path(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
        """The response where nothing is authenticated: to the metadata of the API, and on paths that are left alone.

        None on any other path.
        """
        request = WSGIRequest(environ)
        response = None if self._resource is None else self._resource.respond(request)
        if response is not None:
            return response.serve_wsgi(environ, start_response)
        if self.guard.leaves(request):
            return self._pass(self.guard.promised, LEFT_ALONE, request, start_response)
        return None

    def _recalled(self, environ: Environ, recall: Recall) -> Authentication | None:
        """The remembered result, where the cookies alone decide about the credentials of the request."""
        cookies = environ.get("HTTP_COOKIE")
        if (
            cookies is None
            or "HTTP_UPGRADE" in environ
            or (environ["REQUEST_METHOD"] not in SAFE_METHODS and not _is_from_own_page(environ))
            or (self._own_names and environ.get("PATH_INFO", "").rpartition("/")[2] in self._own_names)
        ):
            return None
        return recall(cookies.encode("utf-8", "replace"))

    def _recalled_by_key(self, environ: Environ, recall: Recall) -> Authentication | None:
        """The result for a key that was good before, where it alone decides about the credentials of the request."""
        key = environ.get(self._key_variable)
        if not key or (self._own_names and environ.get("PATH_INFO", "").rpartition("/")[2] in self._own_names):
            return None
        return recall(key.encode("utf-8", "surrogatepass"))

    def _pass(
        self, passage: Passage, found: Authentication, request: WSGIRequest, start_response: StartResponse
    ) -> Iterable[bytes]:
        environ = request.environ
        if passage is OPEN:
            return _Passing(self, environ, start_response, found).run()
        if passage is Passage.PREFLIGHT_ANSWERED:
            _expose(environ, NOBODY)
            return self.adapter.serve(self._preflight, environ, start_response)
        if passage is Passage.PREFLIGHT_PASSED:
            return _PassingPreflight(self, environ, start_response, found).run()
        return _PassingByPromise(self, environ, start_response, found).run_by(promise_for(request))

    def _refuse(self, refusal: Refusal, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _expose(environ, NOBODY)  # for functions that a framework runs on each response
        if self._around is None or refusal.render is None:
            return self.adapter.refuse(refusal, refusal.response(), environ, start_response)
        with self._around():
            response = refusal.response()
        return self.adapter.refuse(refusal, response, environ, start_response)


class _Passing(Call):
    """One request that passes through the application, and its response."""

    started = False
    replaced: Response | None = None
    """The refusal that was sent instead of the application's response."""
    headers: Sequence[tuple[str, str]] = ()
    """The headers of the response."""
    served: RequestHead | None = None
    """The head of the request that the framework served as the response started, where that is another one. Its views
    may make parts of the response behind the framework. It is forgotten with the caller."""

    def __init__(
        self,
        middleware: AuthMiddleware,
        environ: Environ,
        start_response: StartResponse,
        authentication: Authentication,
    ) -> None:
        self.auth = middleware.auth
        self.authentication = authentication
        self._middleware = middleware
        self._environ = environ
        self._start_response = start_response

    def refuse_with(self, refusal: Refusal) -> AccessRefused:
        return self._middleware.adapter.carry(refusal, self.request)

    @property
    def has_adapter(self) -> bool:
        return self._middleware.adapter.keeps_promises

    @property
    def arrived(self) -> RequestHead:
        return self._middleware.adapter.arrived(self.request, self.served)

    def end(self) -> None:
        super().end()
        if self.served is not None:
            self.served = None

    def _make_request(self) -> WSGIRequest:
        request = WSGIRequest(self._environ)
        request.around = self._middleware.adapter.around  # which knows whether the application is in debug mode
        return request

    def run(self) -> Iterable[bytes]:
        environ, found = self._environ, self.authentication
        audit.admitted(found.principal, self)
        _expose(environ, found)
        hidden = self._middleware.hidden
        if hidden is not None and found is not OWN_CREDENTIALS and found is not LEFT_ALONE:
            environ = hidden.environ(environ)
        token = current_call.set(self)
        try:
            body = self._call(environ)
        except BaseException as error:
            refusal = self.refusal_of(error)
            if refusal is None:
                self.end()
                raise
            body = self._answer(refusal)
        finally:
            current_call.reset(token)
        if self.replaced is None and (type(body) in (list, tuple) or self._is_finished(body)):
            self.authentication = ENDED  # as end(), without the call: no code of the application runs from here on
            if self.own_user is not None:
                self.own_user = None
            if self.refused is not None:
                self.refused = None
            if self.served is not None:
                self.served = None
            return body
        try:
            stream = _Body(self, body)
        except BaseException:
            self.end()
            raise
        if self.replaced is None:
            return stream
        stream.close()
        return self.replaced.content_for(environ["REQUEST_METHOD"])

    def _is_finished(self, body: Iterable[bytes]) -> bool:
        """Whether no code of the application runs any more for `body`, which is no list."""
        return _is_file(body, self._environ) or self._middleware.adapter.is_finished(body)

    def _call(self, environ: Environ) -> Iterable[bytes]:
        return self._middleware.app(environ, self.start_response)

    def _answer(self, refusal: Refusal) -> list[bytes]:
        """The body of `refusal`, which left the application; the server may refuse to start the response again."""
        try:
            return self._replace(refusal)
        except BaseException:
            self.end()
            raise

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        """The ``start_response`` that the application gets. The status stays; headers are only added."""
        owed, middleware = self.authentication.headers, self._middleware
        if not owed and self.refused is None and self.authentication is not LEFT_ALONE:
            headers = [*headers, *middleware.vary]
        elif owed is ONLY_PRIVATE and self.refused is None:  # by a cookie: no header is compared with others
            headers = [*headers, *(middleware.vary if says_caching(headers) else middleware.vary_and_private)]
        else:
            vary = [] if self.authentication is LEFT_ALONE else middleware.vary  # there nothing was looked at
            if self.refused is not None:
                refusal = self.refusal_for(int(status[:3]))
                if refusal is not None:
                    self._replace(refusal, exc_info, [each for each in headers if is_added_by_layer(each[0])])
                    return _discard
                vary = without_repeats(vary, headers)
            if owed:
                owed = tuple(without_repeats(owed, headers))
            headers = [*headers, *vary, *owed]
        self.started = True
        self.headers = headers
        if middleware.asks_served:
            self.served = middleware.adapter.served(self._environ)
        if exc_info is None:
            return self._start_response(status, headers)
        return self._start_response(status, headers, exc_info)

    def _replace(self, refusal: Refusal, exc_info: Any = None, kept: Headers | None = None) -> list[bytes]:
        """Send `refusal`, with the headers `kept` from the error page that it replaces."""
        self.refused = None
        if self.replaced is not None:  # the framework raised the exception again after its error page
            return self.replaced.content_for(self._environ["REQUEST_METHOD"])
        self.replaced = response = refusal.response()
        headers = [*response.headers, *(kept or ())]
        headers += without_repeats(self.authentication.headers, headers)
        if self.started and exc_info is None and sys.exc_info()[0] is not None:
            exc_info = sys.exc_info()  # PEP 3333: a second start needs exc_info
        try:
            self._start_response(response.status_line, headers, *_given(exc_info))
        finally:
            del exc_info  # PEP 3333: no cycle through the traceback
        return response.content_for(self._environ["REQUEST_METHOD"])

    def next(self, chunks: Iterator[bytes]) -> bytes:
        """The next chunk of the application's body, with the principal in the context."""
        token = current_call.set(self)
        try:
            chunk = next(chunks)
        except (AccessRefused, Unavailable, ExceptionGroup) as error:
            refusal = self.refusal_of(error)
            if refusal is None:
                raise
            return b"".join(self._replace(refusal))
        except StopIteration:
            if self.replaced is None:
                raise
            chunk = b""
        finally:
            current_call.reset(token)
        if self.replaced is None:
            return chunk
        return b"".join(self.replaced.content_for(self._environ["REQUEST_METHOD"]))

    @property
    def may_end(self) -> bool:
        """Whether the response ends with the credentials of the caller."""
        return bool(self.authentication.lasts) and self._middleware.end_connections

    def stream(self, age: float) -> Stream:
        """The response, whose first part was there `age` seconds ago."""
        return Stream(self.authentication.validities, self.headers, self._note, age=age)

    def _note(self, ending: Ending) -> None:
        audit.closed(ending, self.authentication.principal, self.request)

    def close(self, body: object) -> None:
        """Close the application's body, with the principal in the context; then the caller ends."""
        token = current_call.set(self)
        try:
            _close(body)
        finally:
            current_call.reset(token)
            self.end()


class _PassingPreflight(_Passing):
    """A CORS preflight that the application answers: nothing of the content is sent."""

    def _call(self, environ: Environ) -> Iterable[bytes]:
        """An empty body. The first chunk is read, since an application may start its response as late as there."""
        body = super()._call(environ)
        try:
            next(iter(body), None)
        finally:
            _close(body)
        return [] if self.replaced is None else self.replaced.content_for(environ["REQUEST_METHOD"])

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        headers = [each for each in headers if is_sent_to_preflight(each[0])]
        if int(status[:3]) not in WITHOUT_CONTENT:
            headers.append(("Content-Length", "0"))
        super().start_response(status, headers, exc_info)
        return _discard


class _PassingByPromise(_Passing):
    """A request of a stranger that passes for the sake of one public endpoint."""

    _promise: Promise
    promises: tuple[Promise, ...]
    """All promises of the request, those of guards further out first."""

    def run_by(self, promise: Promise) -> Iterable[bytes]:
        """Serve the request. `promise` is in the environ too."""
        self._promise = promise
        self.promises = self._environ[PROMISES] = (*self._environ.get(PROMISES, ()), promise)
        return self.run()

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        if self.replaced is not None:
            return _discard
        if self._promise.allows(int(status[:3])):
            return super().start_response(status, headers, exc_info)
        self._replace(self.refusal_of_stranger(), exc_info, [each for each in headers if is_for_cors(each[0])])
        return _discard


class _Body:
    """Response body that the application makes while it is sent: a generator, or an iterable of a framework."""

    __slots__ = ("_body", "_chunks", "_done", "_opened_at", "_passing", "_stream")

    def __init__(self, passing: _Passing, body: Iterable[bytes]) -> None:
        self._passing = passing
        self._body = body
        self._chunks = iter(body)
        self._done = False
        self._opened_at = -1.0
        self._stream: Stream | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._done:
            raise StopIteration
        chunk = self._passing.next(self._chunks)
        self._done = self._passing.replaced is not None
        if self._opened_at < 0:
            self._opened_at = monotonic()
            if not is_event_stream(self._passing.headers):
                return chunk  # most responses have this part alone, and then nothing looks after them
        if not self._done and self._is_over():
            self._done = True
            raise StopIteration
        return chunk

    def _is_over(self) -> bool:
        """Whether the response ends here, and not with the part that was made."""
        if self._stream is None and self._passing.may_end:
            self._stream = self._passing.stream(monotonic() - self._opened_at)
        return self._stream is not None and self._stream.is_over()

    def close(self) -> None:
        self._passing.close(self._body)


def _expose(environ: Environ, authentication: Authentication) -> None:
    """Put the result into the environ, and remove values that a client or a server put there."""
    principal = authentication.principal
    environ["authmw.principal"] = principal
    environ["authmw.scopes"] = principal.scopes
    if authentication is LEFT_ALONE:
        return
    if authentication.scheme is not None:
        environ["REMOTE_USER"] = principal.id
        environ["AUTH_TYPE"] = authentication.scheme.auth_type
        return
    environ.pop("REMOTE_USER", None)
    environ.pop("AUTH_TYPE", None)
    if authentication.credentials is not None:
        environ["authmw.credentials"] = authentication.credentials


def _is_from_own_page(environ: Environ) -> bool:
    """As `authmw.http.origin.cause_of`, where ``Sec-Fetch-Site`` says so."""
    return environ.get("HTTP_SEC_FETCH_SITE") == OWN_SITE and environ.get("HTTP_ORIGIN") != HIDDEN


def _given(exc_info: Any) -> tuple[Any, ...]:
    return () if exc_info is None else (exc_info,)


def _discard(_: bytes) -> None:
    """The ``write`` of a response that was replaced."""


def _close(body: object) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _is_file(body: object, environ: Environ) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)

"""WSGI middleware that authenticates each request, exposes the caller, and sends refusals (PEP 3333).

It holds no policy: the engine decides, the guard applies the default, and the middleware sends the result. Streaming,
``write()``, ``close()`` and ``wsgi.file_wrapper`` work as without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from authmw.engine import audit
from authmw.engine.auth import Auth
from authmw.engine.authentication import NOBODY, Authentication
from authmw.engine.context import Call
from authmw.engine.declarations import declared_on
from authmw.engine.error_pages import is_added_by_layer, refusal_in, without_repeats
from authmw.engine.guard import OPEN, Guard, GuardSettings, RequirementOf
from authmw.engine.public_paths import Default
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import Environ, RequestHead, WSGIRequest
from authmw.http.response import WITHOUT_CONTENT, Response, StartResponse, WSGIApp, is_sent_to_preflight
from authmw.identity.calling import current_call

Headers = list[tuple[str, str]]
Serve = Callable[[Response, Environ, StartResponse], Iterable[bytes]]
"""Sends a response."""


class AuthMiddleware:
    """Guards a WSGI application: ``application = AuthMiddleware(application, auth, public=["/health"])``.

    Below it, the environ has ``authmw.principal`` and ``authmw.scopes``. It has ``REMOTE_USER`` and ``AUTH_TYPE`` if,
    and only if, the caller is authenticated. `authmw.current_principal` returns the same principal anywhere.

    Args:
        app: the application.
        auth: the schemes by which requests authenticate.
        default: ``deny`` refuses requests without credentials, except for `public`; ``allow`` leaves it to decorators.
        public: path patterns, as ``/health``, ``/docs/*`` or ``GET /docs/*``, below ``SCRIPT_NAME``.
        requirement_of: finds the requirement of a request's operation in the route table; adapters pass it.
        own_credentials: whether the endpoint of a request authenticates it itself; adapters pass it.
        serve: sends a refusal that is made in front of the application; adapters pass it.
        carry: makes the exception that carries a refusal through the framework below; adapters pass it.

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
        requirement_of: RequirementOf | None = None,
        own_credentials: Callable[[RequestHead], bool] | None = None,
        serve: Serve | None = None,
        carry: Callable[[Refusal], AccessRefused] | None = None,
    ) -> None:
        self.app = app
        self._own_credentials = own_credentials
        self._serve = serve or Response.serve_wsgi
        self.carry = carry
        """Makes the exception that carries a refusal through the framework below."""
        self.auth = auth
        requirement_of = requirement_of or declared_on(app)
        self._guard = Guard(auth, default=default, public=public, requirement_of=requirement_of)
        self.guard_settings: GuardSettings = self._guard.settings
        """The settings of the guard in front of the application."""
        self._recall = None if auth.memo is None else auth.memo.recall
        self.vary: Headers = [("Vary", auth.vary)] if auth.vary else []
        """The ``Vary`` header: the request headers that responses depend on (RFC 9110 §12.5.5)."""
        self._resource = auth.resource

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if self._resource is not None and environ.get("PATH_INFO", "").endswith(self._resource.metadata_path):
            response = self._resource.respond(WSGIRequest(environ))
            if response is not None:
                return response.serve_wsgi(environ, start_response)
        if self._recall is not None:
            header = environ.get("HTTP_AUTHORIZATION")
            known = self._recall(header.encode("utf-8", "replace")) if header else None
            if known is not None:
                return _Passing(self, environ, start_response, known).run()
        request = WSGIRequest(environ)
        if self._own_credentials is not None and self._own_credentials(request):
            return _Passing(self, environ, start_response, NOBODY).run()
        found = self.auth.authenticate(request)
        if isinstance(found, Refusal):
            return self._refuse(found, environ, start_response)
        passage = self._guard.admit(found, request)
        if isinstance(passage, Refusal):
            return self._refuse(passage, environ, start_response)
        passing = _Passing(self, environ, start_response, found)
        passing.headers_only = passage is not OPEN
        return passing.run()

    def _refuse(self, refusal: Refusal, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _expose(environ, NOBODY)  # for functions that a framework runs on each response
        return self._serve(refusal.response(), environ, start_response)


class _Passing(Call):
    """One request that passes through the application, and its response."""

    headers_only = False
    started = False
    replaced: Response | None = None
    """The refusal that was sent instead of the application's response."""

    def __init__(
        self,
        middleware: AuthMiddleware,
        environ: Environ,
        start_response: StartResponse,
        authentication: Authentication,
    ) -> None:
        self.auth = middleware.auth
        self.authentication = authentication
        self._request = None
        self._middleware = middleware
        self._environ = environ
        self._start_response = start_response

    def refuse_with(self, refusal: Refusal) -> AccessRefused:
        carry = self._middleware.carry
        return AccessRefused(refusal) if carry is None else carry(refusal)

    @property
    def has_adapter(self) -> bool:
        return self._middleware.carry is not None

    def _make_request(self) -> WSGIRequest:
        return WSGIRequest(self._environ)

    def run(self) -> Iterable[bytes]:
        environ = self._environ
        audit.admitted(self.authentication.principal, self._make_request)
        _expose(environ, self.authentication)
        token = current_call.set(self)
        try:
            body = self._middleware.app(environ, self.start_response)
            if self.headers_only:
                body = self._head_of(body)
        except BaseException as error:
            refusal = refusal_in(error)
            if refusal is None:
                self.end()
                raise
            body = self._answer(refusal)
        finally:
            current_call.reset(token)
        if self.replaced is None and (type(body) in (list, tuple) or _is_file(body, environ)):
            self.end()  # no code of the application runs while the server sends this
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

    def _answer(self, refusal: Refusal) -> list[bytes]:
        """The body of `refusal`, which left the application; the server may refuse to start the response again."""
        try:
            return self._replace(refusal)
        except BaseException:
            self.end()
            raise

    def _head_of(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """An empty body. The first chunk is read, since an application may start its response as late as there."""
        try:
            next(iter(body), None)
        finally:
            _close(body)
        return [] if self.replaced is None else self.replaced.content_for(self._environ["REQUEST_METHOD"])

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        """The ``start_response`` that the application gets. The status stays; headers are only added."""
        vary, owed = self._middleware.vary, self.authentication.headers
        if self.refused is not None:
            refusal = self.refusal_for(int(status[:3]))
            if refusal is not None:
                self._replace(refusal, exc_info, [each for each in headers if is_added_by_layer(each[0])])
                return _discard
            vary, owed = without_repeats(vary, headers), tuple(without_repeats(owed, headers))
        self.started = True
        headers = [*headers, *vary, *owed]
        if self.headers_only:
            headers = [each for each in headers if is_sent_to_preflight(each[0])]
            if int(status[:3]) not in WITHOUT_CONTENT:
                headers.append(("Content-Length", "0"))
            self._start_response(status, headers, *_given(exc_info))
            return _discard
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
        except (AccessRefused, ExceptionGroup) as error:
            refusal = refusal_in(error)
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

    def close(self, body: object) -> None:
        """Close the application's body, with the principal in the context; then the caller ends."""
        token = current_call.set(self)
        try:
            _close(body)
        finally:
            current_call.reset(token)
            self.end()


class _Body:
    """Response body that the application makes while it is sent: a generator, or an iterable of a framework."""

    __slots__ = ("_body", "_chunks", "_done", "_passing")

    def __init__(self, passing: _Passing, body: Iterable[bytes]) -> None:
        self._passing = passing
        self._body = body
        self._chunks = iter(body)
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._done:
            raise StopIteration
        chunk = self._passing.next(self._chunks)
        self._done = self._passing.replaced is not None
        return chunk

    def close(self) -> None:
        self._passing.close(self._body)


def _expose(environ: Environ, authentication: Authentication) -> None:
    """Put the result into the environ, and remove values that a client or a server put there."""
    principal = authentication.principal
    environ["authmw.principal"] = principal
    environ["authmw.scopes"] = principal.scopes
    if authentication.scheme is not None:
        environ["REMOTE_USER"] = principal.id
        environ["AUTH_TYPE"] = authentication.scheme.auth_type
        return
    environ.pop("REMOTE_USER", None)
    environ.pop("AUTH_TYPE", None)
    if authentication.credentials is not None:
        environ["authmw.credentials"] = authentication.credentials


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

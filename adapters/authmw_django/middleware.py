"""Middleware of Django that authenticates each request, and enforces what its view declares.

It holds no policy: the engine decides, the guard applies the default, and the middleware answers. The guard stands in
front of the rest of ``MIDDLEWARE``. What a view declares is enforced once Django has chosen the view, and
once more if other middleware replaces the method or the path after that.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from django.http import HttpRequest
from django.utils.cache import patch_vary_headers

from authmw.engine import audit
from authmw.engine.authentication import LEFT_ALONE, Authentication
from authmw.engine.error_pages import without_repeats
from authmw.engine.guard import Passage, preflight_response
from authmw.engine.hidden_credentials import HiddenCredentials
from authmw.engine.promise import PathPromise, Promise, promise_for
from authmw.errors import Unavailable
from authmw.http.refusal import Refusal
from authmw.http.response import WITHOUT_CONTENT, Response, is_sent_to_preflight
from authmw.identity.calling import current_call
from authmw.identity.principal import ANONYMOUS
from authmw.identity.requirement import AUTHENTICATED, PUBLIC
from authmw.schemes.api_key import APIKeyHeader
from authmw.schemes.http_bearer import BearerScheme
from authmw.schemes.http_dpop import HTTPDPoP
from authmw_django.calls import DjangoCall, stream_as
from authmw_django.config import checked_configuration
from authmw_django.heads import DjangoRequest
from authmw_django.hiding import ReportFilter, hide
from authmw_django.innermost import call_last
from authmw_django.refusing import DjangoResponse, RefusalMiddleware, refused
from authmw_django.users import HAS_USER, PrincipalUser

if TYPE_CHECKING:
    from django.http.response import HttpResponse, HttpResponseBase

    from authmw.engine.auth import Auth
    from authmw.engine.guard import Guard, GuardSettings
    from authmw_django.refusing import GetResponse

_NOT_SENT_BY_BROWSERS: Final = (BearerScheme, HTTPDPoP, APIKeyHeader)
"""Schemes whose credentials a browser never adds by itself, so that no other site can make it send them."""
_CLAIMS: Final = ("REMOTE_USER", "AUTH_TYPE", "HTTP_REMOTE_USER")


class AuthMiddleware(RefusalMiddleware):
    """Guards a Django project: ``MIDDLEWARE = ["authmw_django.AuthMiddleware", ...]``, with the setting ``AUTHMW``.

    Below it, a request has ``principal``, and ``user`` is the user of an authenticated principal, also if
    ``AuthenticationMiddleware`` comes later. ``META`` has ``REMOTE_USER`` and ``AUTH_TYPE`` if, and only if, the caller
    is authenticated. It serves sync and async views, under WSGI and ASGI. A method or a path that other middleware
    replaces is decided again before the view is called.

    Args:
        get_response: the next middleware or the view, given by Django.

    Raises:
        ConfigurationError: every mistake in ``AUTHMW`` at once.
    """

    guards_project: Final = True

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        configuration = checked_configuration()
        auth = configuration.auth
        self.auth: Auth = auth
        self.guard: Guard = configuration.guard
        """The guard in front of the project."""
        self._table = configuration.table
        self._users = configuration.user
        self.guard_settings: GuardSettings = configuration.guard_settings
        """The settings of the guard in front of the project."""
        self._recall = None if auth.memo is None else auth.memo.recall
        self._default = AUTHENTICATED if self.guard_settings.default == "deny" else PUBLIC
        self._vary = [name for name in auth.vary.split(", ") if name]
        self._preflight = preflight_response(auth.vary)
        hidden = HiddenCredentials(auth.schemes)
        self._hidden = hidden if configuration.hides_credentials else None
        self._ends_connections = configuration.ends_connections
        self._filter = ReportFilter(hidden)
        self._resource = auth.resource
        if self._is_async:
            vars(self)["process_view"] = self._process_view_async  # Django would call the other one on a thread
        call_last(self._confirm_view, self._confirm_view_async)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve one request."""
        return self._serve_async(request) if self._is_async else self._serve(request)

    def _serve(self, request: HttpRequest) -> HttpResponseBase:
        head = DjangoRequest(request)
        known = self._known(head)
        found = self.auth.authenticate(head) if known is None else known
        answer = self._answer(found, head)
        if not isinstance(answer, DjangoCall):
            return answer
        try:
            user = self._users.find(answer.principal, request) if answer.is_authenticated else None
        except Unavailable as error:
            return refused(self.auth.unavailable(error, head), request)
        refusal = self._expose(answer, user)
        if refusal is not None:
            return refused(refusal, request)
        token = current_call.set(answer)
        try:
            response = cast("HttpResponseBase", self.get_response(request))
        except BaseException:
            answer.end()
            raise
        finally:
            current_call.reset(token)
        return self._finish(answer, response)

    async def _serve_async(self, request: HttpRequest) -> HttpResponseBase:
        head = DjangoRequest(request)
        known = self._known(head)
        found = await self.auth.authenticate_async(head) if known is None else known
        answer = self._answer(found, head)
        if not isinstance(answer, DjangoCall):
            return answer
        try:
            user = await self._users.find_async(answer.principal, request) if answer.is_authenticated else None
        except Unavailable as error:
            return refused(self.auth.unavailable(error, head), request)
        refusal = self._expose(answer, user)
        if refusal is not None:
            return refused(refusal, request)
        token = current_call.set(answer)
        try:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        except BaseException:
            answer.end()
            raise
        finally:
            current_call.reset(token)
        return self._finish(answer, response)

    def _known(self, head: DjangoRequest) -> Authentication | Response | None:
        """What is known without a verifier: a document of authmw, a path that is left alone, or what is remembered."""
        if self._resource is not None and head.path.endswith(self._resource.metadata_path):
            response = self._resource.respond(head)
            if response is not None:
                return response
        if self.guard.leaves_paths and self.guard.leaves(head):
            return LEFT_ALONE
        header = None if self._recall is None else head.header("authorization")
        return None if self._recall is None or not header else self._recall(header.encode("utf-8", "replace"))

    def _answer(self, found: Authentication | Refusal | Response, head: DjangoRequest) -> DjangoCall | HttpResponse:
        """The call that passes, or the response in front of the project."""
        if isinstance(found, Response):
            return DjangoResponse(found, head.django)
        if found is LEFT_ALONE:
            passage: Passage | Refusal = self.guard.promised
        else:
            passage = found if isinstance(found, Refusal) else self.guard.admit(found, head)
        if isinstance(passage, Refusal):
            return refused(passage, head.django)
        if passage is Passage.PREFLIGHT_ANSWERED:
            return DjangoResponse(self._preflight, head.django)
        promise = promise_for(head) if passage is Passage.PROMISED else None
        return DjangoCall(self.auth, cast("Authentication", found), head, passage, promise)

    def _expose(self, call: DjangoCall, user: Any) -> Refusal | None:
        """Put the result on the request, and remove what claims an identity. The refusal of a caller without a user."""
        request: Any = call.django
        if call.is_authenticated and user is None:
            decision = self.auth.decide(call.authentication, HAS_USER, call.request)
            return decision if isinstance(decision, Refusal) else None
        audit.admitted(call.principal, call)
        meta, scheme = request.META, call.authentication.scheme
        request.principal = meta["authmw.principal"] = call.principal
        meta["authmw.scopes"] = call.principal.scopes
        request._authmw_call = call
        request.exception_reporter_filter = self._filter
        if call.authentication is LEFT_ALONE:
            return None
        for name in _CLAIMS:
            meta.pop(name, None)
        if self._hidden is not None:
            hide(self._hidden, request)
        if user is None and not hasattr(request, "user"):  # an outer `AuthenticationMiddleware` may have found one
            user = PrincipalUser(ANONYMOUS)
        if user is not None:
            request.user, request.auser = user, partial(_same, user)
            if self.auth.load_user is None and not self._users.is_default:
                call.own_user = call.principal, user  # for `current_user`
        if scheme is None:
            if call.authentication.credentials is not None:
                meta["authmw.credentials"] = call.authentication.credentials
            return None
        meta["REMOTE_USER"], meta["AUTH_TYPE"] = call.principal.id, scheme.auth_type
        # `AuthenticationMiddleware`, further in, takes these for what it found in the session.
        request._cached_user = request._acached_user = user
        if isinstance(scheme, _NOT_SENT_BY_BROWSERS):
            request._dont_enforce_csrf_checks = True  # as the test client of Django says it to `CsrfViewMiddleware`
        return None

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """The refusal of a caller who may not call `view`; None lets the request go on to the other middleware."""
        call: object = getattr(request, "_authmw_call", None)
        if not isinstance(call, DjangoCall):
            raise AssertionError("AuthMiddleware has not seen this request")
        head, promise = DjangoRequest(request), call.promise
        call.decided = (head.method, head.path)
        if call.is_changed(head):  # by a layer: what is asked for now has to be admitted as well
            passage = self.guard.admit(call.authentication, head)
            if isinstance(passage, Refusal):
                return refused(passage, request)
            promise = None if passage is not Passage.PROMISED else promise_for(head)
        elif call.authentication is LEFT_ALONE:
            return None
        needed = self._table.requirement(view, head.method)
        if needed is None:
            if call.is_authenticated or self._is_public(promise, head, view):
                return None
            needed = self._default
        decision = self.auth.decide(call.authentication, needed, head)
        return refused(decision, request) if isinstance(decision, Refusal) else None

    def _confirm_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        """As `process_view`, behind that of all other middleware: the view comes next, for what is asked for now."""
        call: DjangoCall = cast("Any", request)._authmw_call
        if (request.method, request.path_info) != call.decided:
            refusal = AuthMiddleware.process_view(self, request, view, args, kwargs)
            if refusal is not None:
                return refusal
        call.reach()
        return None

    async def _process_view_async(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        return AuthMiddleware.process_view(self, request, view, args, kwargs)

    async def _confirm_view_async(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        return self._confirm_view(request, view, args, kwargs)

    def _is_public(self, promise: Promise | None, head: DjangoRequest, view: Any) -> bool:
        """Whether a stranger was let in for this public path. If a layer has changed it, the new one is looked at.

        So are the methods that the view may call instead.
        """
        if not isinstance(promise, PathPromise) or not promise.holds(head):
            return False
        return all(
            self.guard.is_public(DjangoRequest(head.django, method=method))
            for method in self._table.exposed_methods(view, head.method)
        )

    def _finish(self, call: DjangoCall, response: HttpResponseBase) -> HttpResponseBase:
        """The response that is sent: that of the project with its headers, or what replaces it."""
        response = self._replaced(call, response)
        if self._vary and call.vary:
            patch_vary_headers(response, self._vary)
        for name, value in without_repeats(call.authentication.headers, _lines(response)):
            if name.lower() == "set-cookie":
                response.cookies.load(value)
            else:
                response[name] = value
        stream_as(call, response, ends=self._ends_connections)
        return response

    def _replaced(self, call: DjangoCall, response: HttpResponseBase) -> HttpResponseBase:
        refusal = call.refusal_for(response.status_code)
        if refusal is None and not call.allows(response.status_code):
            refusal = call.refusal_of_stranger()
        if refusal is not None:
            answer: HttpResponseBase = refused(refusal, call.django)
        elif call.passage is Passage.PREFLIGHT_PASSED:
            answer = _without_content(response, call.django)
        else:
            return response
        # Its own `close` would tell Django that the request is over.
        cast("Any", answer)._resource_closers += cast("Any", response)._resource_closers
        return answer


async def _same(user: object) -> object:
    return user


def _without_content(response: HttpResponseBase, request: HttpRequest) -> DjangoResponse:
    """The answer of the project to a preflight: nothing of its content is sent."""
    status = response.status_code
    kept = [(name, value) for name, value in response.items() if is_sent_to_preflight(name)]
    if status not in WITHOUT_CONTENT:
        kept.append(("Content-Length", "0"))
    return DjangoResponse(Response(status, tuple(kept), b""), request)


def _lines(response: HttpResponseBase) -> list[tuple[str, str]]:
    cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    return [*response.items(), *cookies]

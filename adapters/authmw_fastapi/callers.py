"""Dependencies for the caller: the other dependencies use them, and the tests of an application replace them."""

# Annotations are evaluated at once: FastAPI before 0.120 or so cannot resolve those of an instance that is called.

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from authmw_starlette.refusing import carry, let_refusals_through, refuse
from fastapi import Response
from starlette.requests import HTTPConnection

from authmw.engine import audit
from authmw.engine.auth import Auth
from authmw.engine.authentication import Authentication
from authmw.engine.context import Call, call_here, current_principal
from authmw.http.refusal import Refusal
from authmw.http.request import ASGIRequest
from authmw.identity.calling import current_call
from authmw.identity.principal import Principal

_CALLS = "authmw.calls"


async def caller() -> Principal:
    """The principal that the middleware authenticated, or `ANONYMOUS`. It requires nothing.

    `CurrentPrincipal`, `OptionalPrincipal` and `Scopes` use it, so a test replaces this one::

        app.dependency_overrides[caller] = lambda: Principal("alice", scopes={"items:read"})
    """
    return current_principal()


def caller_by(auth: Auth) -> Callable[..., Any]:
    """A dependency for the principal that `auth` authenticates, or `ANONYMOUS`. It requires nothing.

    ``Security(auth)`` uses it, so a test replaces this one::

        app.dependency_overrides[caller_by(auth)] = lambda: Principal("alice", scopes={"items:read"})

    Args:
        auth: verifies credentials. The dependencies for the same `auth` are equal.
    """
    return _CallerBy(auth)


def asks_for_nothing(dependency: object) -> bool:
    """Whether `dependency` only returns the caller, and requires nothing."""
    return dependency is caller or isinstance(dependency, _CallerBy)


def call_by(connection: HTTPConnection, auth: Auth | None) -> Call | None:
    """The call that `caller_by` made of this request for `auth`; with None, that of the middleware."""
    call = call_here()
    if auth is None or (call is not None and call.auth is auth and _is_about(call, connection)):
        return call
    known: Call | None = connection.scope.get(_CALLS, {}).get(auth)
    return known if known is not None and _is_about(known, connection) else None


@dataclass(frozen=True)
class _CallerBy:
    auth: Auth

    async def __call__(self, connection: HTTPConnection, response: Response) -> AsyncIterator[Principal]:
        let_refusals_through(connection.scope)
        call = call_by(connection, self.auth) or await self._authenticate(connection, response)
        connection.scope.setdefault(_CALLS, {})[self.auth] = call
        current = call_here()
        if current is not None and _is_about(current, connection):
            yield call.authentication.principal
            return
        # No middleware has set the caller, so it is set here for `current_principal` and the decorators.
        token = current_call.set(call)
        try:
            yield call.authentication.principal
        finally:
            call.end()
            current_call.reset(token)

    async def _authenticate(self, connection: HTTPConnection, response: Response) -> Call:
        request = ASGIRequest(connection.scope)  # without access to the body
        found = await self.auth.authenticate_async(request)
        if isinstance(found, Refusal):
            raise refuse(connection, found)
        call = _CallHere(self.auth, found, request)
        audit.admitted(found.principal, call)
        for name, value in (*found.headers, *((("Vary", self.auth.vary),) if self.auth.vary else ())):
            response.headers.append(name, value)
        return call


class _CallHere(Call):
    """The call of a request that no middleware has seen."""

    def __init__(self, auth: Auth, authentication: Authentication, request: ASGIRequest) -> None:
        super().__init__(auth, authentication, request)
        self.scope = request.scope
        self.carry = partial(carry, request.scope)


def _is_about(call: Call, connection: HTTPConnection) -> bool:
    """Whether `call` was made of `connection`, and not of an outer request during which this application is called."""
    if isinstance(call, _CallHere):
        return call.scope is connection.scope
    # Below the middleware a mount may have copied the scope, with the values that the middleware wrote.
    return connection.scope.get("authmw.principal") is call.authentication.principal

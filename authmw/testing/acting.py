"""Callers of a test: requests that are authenticated as a user which the test names, and as nobody.

`Stage.set` replaces the methods of `Auth` that verify credentials, while a test runs. In their place stands the caller
of the test: that of the block which runs, or that whose token the request has in the header `HEADER`. Every decision
after it is the engine's own. The engine knows nothing of this module, so there is no switch in a program.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from authmw.engine.auth import Auth
from authmw.engine.authentication import NOBODY, PRIVATE, Authentication
from authmw.engine.inherited import InheritedAuth
from authmw.engine.message import MessageHead
from authmw.engine.remembered import Memo
from authmw.errors import ConfigurationError
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.identity.principal import ANONYMOUS, Principal
from authmw.identity.scopes import checked_scopes
from authmw.testing.clients import HEADER, client_of
from authmw.testing.in_test import check_in_test
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.session import SessionVerifier

if TYPE_CHECKING:
    import pytest

C = TypeVar("C")

_acting: Final[ContextVar[Caller | None]] = ContextVar("authmw.testing.acting", default=None)
"""The caller of the block that runs."""


class Caller:
    """Who sends the requests of a test: the answer of the fixture ``as_user``, and the fixture ``anonymous``.

    ``with caller:`` makes each request in the block the caller's, whatever client sends it and whatever credentials it
    has. `through` answers a client of the caller's own. Any other attribute is that of such a client for the fixture
    ``client`` of your tests: ``as_user("alice").get("/orders")``.
    """

    def __init__(self, principal: Principal, project_client: Callable[[], Any]) -> None:
        self.principal: Principal = principal
        """The caller; `ANONYMOUS` for ``anonymous``."""
        self.token: str = secrets.token_urlsafe()
        """The value of the header by which requests of `through` are told. It means nothing after the test."""
        self._project_client = project_client
        self._client: Any = None
        self._entered: list[Token[Caller | None]] = []

    def through(self, client: C) -> C:
        """A client of this caller, for the same application as `client`, which stays as it is.

        Its cookies are its own, and it has no other credentials.

        Args:
            client: of Flask, Werkzeug, Starlette, FastAPI, Django, httpx or httpx2.

        Raises:
            ConfigurationError: it is a client of another kind.
        """
        return client_of(self.token, client)

    def __enter__(self) -> Self:
        self._entered.append(_acting.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        _acting.reset(self._entered.pop())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._client is None:
            self._client = self.through(self._project_client())
        return getattr(self._client, name)

    def __repr__(self) -> str:
        return f"Caller({self.principal!r})"


class AsUser:
    """The fixture ``as_user``: ``as_user("alice", "orders:read")`` is a `Caller`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __call__(self, user: str | Principal, *scope: str, scopes: Iterable[str] = (), **fields: Any) -> Caller:
        """A caller.

        Args:
            user: the id of a user, or a `Principal`.
            scope: a scope of the user, or several.
            scopes: the same as a set: ``as_user("alice", scopes={"orders:read"})``.
            fields: further arguments of `Principal`: ``claims={"tenant": "acme"}``.

        Raises:
            ConfigurationError: a scope is none, or a principal has its own scopes and fields.
        """
        if isinstance(scopes, str):
            raise ConfigurationError(f'scopes={scopes!r} has to be a set: write scopes={{"{scopes}"}}')
        both = (*scope, *scopes)
        if not isinstance(user, Principal):
            return self._stage.caller(Principal(user, scopes=checked_scopes(both), **fields))
        if both or fields:
            raise ConfigurationError(f'scopes and fields belong into the principal: as_user(Principal("{user.id}", …))')
        return self._stage.caller(user)


class Stage:
    """The callers of one test.

    Args:
        project_client: answers the fixture ``client`` of the tests.
    """

    def __init__(self, project_client: Callable[[], Any]) -> None:
        self._project_client = project_client
        self._callers: dict[str, Caller] = {}

    def caller(self, principal: Principal) -> Caller:
        """A new caller."""
        made = Caller(principal, self._project_client)
        self._callers[made.token] = made
        return made

    def set(self, patch: pytest.MonkeyPatch) -> None:
        """Let the callers of this test take the place of credentials, until `patch` is undone.

        Raises:
            ConfigurationError: no test runs.
        """
        check_in_test()
        for kind in _kinds_of_auth(Auth):
            if "authenticate" in vars(kind):
                patch.setattr(kind, "authenticate", self._instead_of(kind.authenticate))
            if "authenticate_async" in vars(kind):
                patch.setattr(kind, "authenticate_async", self._instead_of_async(kind.authenticate_async))
        # The middleware would take a remembered credential of the request before it asks the engine.
        patch.setattr(Memo, "get", _remembers_nothing, raising=False)
        patch.setattr(SessionVerifier, "recall", _remembers_nothing)
        patch.setattr(ApiKeyVerifier, "recall", _remembers_nothing)

    def _instead_of(self, real: Callable[[Any, Any], Any]) -> Callable[[Auth, RequestHead], Any]:
        def authenticate(auth: Auth, request: RequestHead) -> Authentication | Refusal:
            caller = self._caller_of(request)
            answer: Authentication | Refusal = real(auth, request) if caller is None else _as_caller(auth, caller)
            return answer

        return authenticate

    def _instead_of_async(self, real: Callable[[Any, Any], Any]) -> Callable[[Auth, RequestHead], Any]:
        async def authenticate_async(auth: Auth, request: RequestHead) -> Authentication | Refusal:
            caller = self._caller_of(request)
            if caller is not None:
                return _as_caller(auth, caller)
            answer: Authentication | Refusal = await real(auth, request)
            return answer

        return authenticate_async

    def _caller_of(self, request: RequestHead) -> Caller | None:
        """The caller that the test named for `request`; None to verify what the request has.

        A token in a message of a websocket is verified: it is no credential of the request.
        """
        if isinstance(request, MessageHead):
            return None
        token = request.header(HEADER)
        named = None if token is None else self._callers.get(token)
        return _acting.get() if named is None else named


def _kinds_of_auth(kind: type[Auth]) -> Iterator[type[Auth]]:
    """`Auth` and its subclasses, but for `InheritedAuth`, which asks the outer program for its caller."""
    yield kind
    for each in kind.__subclasses__():
        if each is not InheritedAuth:
            yield from _kinds_of_auth(each)


def _as_caller(auth: Auth, caller: Caller) -> Authentication:
    """The result of authentication, as if the first scheme of `auth` had verified the caller."""
    if caller.principal is ANONYMOUS:
        return NOBODY
    scheme = auth.schemes[0]
    headers = () if scheme.in_authorization else (PRIVATE,)
    return Authentication(caller.principal.authenticated_by(scheme.name), scheme, headers)


def _remembers_nothing(_: object, _key: bytes) -> None:
    """In place of `Memo.get`, and of `recall` of verifiers."""

"""Only what no other part of a request decides is remembered: a remembered result counts for every request."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, ClassVar

import pytest

from authmw import (
    Auth,
    Authenticated,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    Issuer,
    JWTVerifier,
    KeyRing,
    Principal,
    Reason,
    Rejected,
    TokenVerifier,
    TrustedHeader,
    issue,
    requires,
)
from authmw.http.refusal import Refusal
from authmw.http.request import RequestHead
from authmw.issuers import Issuers
from authmw.stores import MemoryRevocations, MemoryTokens, RevocationFeed
from authmw.testing import FakeIssuer
from authmw.wsgi import AuthMiddleware
from tests.contract.cases import NOBODY, Case
from tests.contract.clients import ask_wsgi
from tests.requests import wsgi_request

KEYS = KeyRing.generate()
NAMES: dict[str, Any] = {"issuer": "https://id.example", "audience": "orders"}
FAKE = FakeIssuer("https://id.example")


def _is_of_this_tenant(verdict: Any, request: RequestHead) -> Any:
    if isinstance(verdict, Authenticated) and request.header("x-host") != f"{verdict.principal.id}.example":
        return Rejected(Reason.TOKEN_AUDIENCE, "another tenant's token")
    return verdict


class TenantJWT(JWTVerifier):
    def verify(self, credentials: Any, request: Any = None, /) -> Any:
        return _is_of_this_tenant(super().verify(credentials, request), request)


class TenantIssuer(Issuer):
    def verify(self, credentials: Any, request: Any = None, /) -> Any:
        verdict = super().verify(credentials, request)
        return (
            _is_of_this_tenant(verdict, request)
            if isinstance(verdict, Authenticated)
            else self._wait_and_ask(verdict, request)
        )

    def _wait_and_ask(self, flow: Any, request: Any) -> Any:
        return _is_of_this_tenant((yield from flow), request)


class TenantTokens(TokenVerifier):
    def verify(self, credentials: Any, request: Any) -> Any:
        return _is_of_this_tenant(super().verify(credentials, request), request)


class Wrapped:
    """A verifier around another. It has every attribute of the inner one, `version` and `ignores_request` too."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def verify(self, credentials: Any, request: Any) -> Any:
        return _is_of_this_tenant(self._inner.verify(credentials, request), request)


def _by_function() -> Any:
    # A method is replaced on one object.
    verifier = JWTVerifier(KEYS, **NAMES)
    plain = verifier.verify

    def verify(_self: object, credentials: Any, request: Any = None, /) -> Any:
        return _is_of_this_tenant(plain(credentials, request), request)

    vars(verifier)["verify"] = MethodType(verify, verifier)
    return verifier


def _opaque(kind: type[TokenVerifier]) -> tuple[Any, str]:
    tokens = MemoryTokens()
    token, _ = tokens.create("acme")
    feed = RevocationFeed(MemoryRevocations(), bound=1e9)
    feed.follow_once()
    return kind(tokens, revocations=feed), token


class TenantScheme(HTTPBearer):
    """A scheme of which one tenant alone may present tokens."""

    def extract(self, request: RequestHead) -> Any:
        if request.header("x-host") != "acme.example":
            return Rejected(Reason.TOKEN_AUDIENCE, "another tenant's host")
        return super().extract(request)


class TenantAuth(Auth):
    def authenticate(self, request: RequestHead) -> Any:
        found = super().authenticate(request)
        if request.header("x-host") != "acme.example" and not isinstance(found, Refusal):
            return self._reject(None, Rejected(Reason.TOKEN_AUDIENCE), request)
        return found


def _jwt() -> str:
    return issue("acme", keys=KEYS, **NAMES)


def _from_fake(verifier: Any, *others: Any) -> tuple[Any, str]:
    return (Issuers(verifier, *others) if others else verifier), FAKE.token("acme", audience="orders")


def _tenant_issuer() -> Any:
    return TenantIssuer("https://id.example", audience="orders", fetcher=FAKE)


OTHER = FakeIssuer("https://other.example").verifier(audience="orders", subject_prefix="other:")

LOOKING: dict[str, Callable[[], tuple[Any, str]]] = {
    "a subclass of JWTVerifier": lambda: (HTTPBearer(TenantJWT(KEYS, **NAMES)), _jwt()),
    "a subclass of Issuer": lambda: _in_bearer(*_from_fake(_tenant_issuer())),
    "a subclass of Issuer among several": lambda: _in_bearer(*_from_fake(_tenant_issuer(), OTHER)),
    "a subclass of TokenVerifier": lambda: _in_bearer(*_opaque(TenantTokens)),
    "a verifier around another": lambda: (HTTPBearer(Wrapped(JWTVerifier(KEYS, **NAMES))), _jwt()),
    "a verifier with a method replaced": lambda: (HTTPBearer(_by_function()), _jwt()),
    "a scheme": lambda: (TenantScheme(JWTVerifier(KEYS, **NAMES)), _jwt()),
    "a trusted header beside it": lambda: (
        TrustedHeader("X-Tenant", _Tenant(), proxies=["unix"]) & HTTPBearer(JWTVerifier(KEYS, **NAMES)),
        _jwt(),
    ),
}


class _Tenant:
    def verify(self, credentials: Any, request: RequestHead, /) -> Any:
        return _is_of_this_tenant(Authenticated(Principal("acme")), request)


def _in_bearer(verifier: Any, token: str) -> tuple[Any, str]:
    return HTTPBearer(verifier), token


def _program(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["authmw.principal"].id.encode()]


def _statuses(program: Any, token: str) -> list[int]:
    """The answers to one token at the host of another tenant, at its own, and at the other again."""
    headers = ((b"Authorization", f"Bearer {token}".encode()), (b"X-Tenant", b"acme"))
    hosts = (b"other.example", b"acme.example", b"other.example", b"acme.example")
    return [ask_wsgi(program, Case("tenant", NOBODY, ((b"X-Host", host), *headers))).status for host in hosts]


@pytest.mark.parametrize("made", LOOKING.values(), ids=LOOKING)
def test_what_looks_at_the_request_is_asked_for_each_request(made: Callable[[], tuple[Any, str]]) -> None:
    accept, token = made()
    auth = Auth(accept)
    assert auth.memo is None
    assert _statuses(AuthMiddleware(_program, auth), token) == [401, 200, 401, 200]


def test_an_auth_with_its_own_way_to_authenticate_is_asked_for_each_request() -> None:
    auth = TenantAuth(HTTPBearer(JWTVerifier(KEYS, **NAMES)))
    assert _statuses(AuthMiddleware(_program, auth), _jwt()) == [401, 200, 401, 200]


def test_a_rule_that_looks_at_the_request_is_asked_although_the_token_is_remembered() -> None:
    def of_this_tenant(principal: Principal, request: RequestHead) -> bool:
        return request.header("x-host") == f"{principal.id}.example"

    auth = Auth(HTTPBearer(JWTVerifier(KEYS, **NAMES)))
    program: Any = AuthMiddleware(requires(of_this_tenant)(_program), auth)
    assert _statuses(program, _jwt()) == [403, 200, 403, 200]
    assert auth.memo is not None


class Silent(JWTVerifier):
    """A subclass that overrides nothing, and does not say again that it ignores the request."""


class Says(JWTVerifier):
    ignores_request: ClassVar[bool] = True


class Denies(Says):
    ignores_request: ClassVar[bool] = False


def _overridden() -> JWTVerifier:
    verifier = Says(KEYS, **NAMES)
    vars(verifier)["granted"] = lambda claims: frozenset()  # pyright: ignore[reportUnknownLambdaType]
    return verifier


def _function(token: str) -> Principal:
    return Principal("alice")


@pytest.mark.parametrize(
    "verifier, remembered",
    [
        (JWTVerifier(KEYS, **NAMES), True),
        (Silent(KEYS, **NAMES), False),
        (Says(KEYS, **NAMES), True),
        (Denies(KEYS, **NAMES), False),
        (_overridden(), False),
        (_from_fake(FAKE.verifier(audience="orders"), OTHER)[0], True),
        (_from_fake(_tenant_issuer(), OTHER)[0], False),
        (_function, False),
    ],
    ids=["ours", "silent subclass", "says again", "denies", "helper replaced", "issuers", "tenant issuer", "function"],
)
def test_each_class_says_for_itself_that_it_may_be_remembered(verifier: Any, remembered: bool) -> None:
    assert (Auth(HTTPBearer(verifier)).memo is not None) is remembered


def _by_basic(username: str, password: str) -> Principal:
    return Principal(username)


@pytest.mark.parametrize(
    "before, remembered",
    [
        (lambda: HTTPBasic(_by_basic), True),
        (HTTPBasic, True),
        (lambda: HTTPBearer(TokenVerifier(MemoryTokens(), revocations=RevocationFeed(MemoryRevocations()))), True),
        (lambda: HTTPBearer(TenantJWT(KEYS, **NAMES)), False),
        (lambda: HTTPBearer(_function), False),
        (TenantScheme, False),
        (HTTPDigest, False),
        (lambda: TrustedHeader("X-Tenant", _Tenant(), proxies=["unix"]) & HTTPBasic(_by_basic), False),
        (lambda: TrustedHeader("X-Tenant", _Tenant(), proxies=["unix"]), True),
    ],
    ids=["Basic", "no verifier", "of another kind", "looks", "function", "scheme", "Digest", "both", "another header"],
)
def test_a_token_is_remembered_where_no_scheme_before_its_own_may_decide_otherwise(
    before: Callable[[], Any], remembered: bool
) -> None:
    auth = Auth(before() | HTTPBearer(JWTVerifier(KEYS, **NAMES), name="Last"))
    header = f"Bearer {_jwt()}"
    auth.authenticate(wsgi_request(authorization=header))
    known = None if auth.memo is None else auth.memo.recall(header.encode())
    assert (known is not None) is remembered
    assert known is None or known.principal.scheme == "Last"


def test_the_keys_of_each_scheme_count() -> None:
    rings = KeyRing.generate(), KeyRing.generate()
    named: Any = {"issuer": "https://id.example", "audience": "orders"}
    first = TokenVerifier(MemoryTokens(), revocations=RevocationFeed(MemoryRevocations()))
    auth = Auth(HTTPBearer(first) | HTTPBearer(JWTVerifier(rings[0], **named), name="Last"))
    header = f"Bearer {issue('acme', keys=rings[0], **named)}"
    auth.authenticate(wsgi_request(authorization=header))
    assert auth.memo is not None
    assert auth.memo.recall(header.encode()) is not None
    first.version += 1
    assert auth.memo.recall(header.encode()) is None
    auth.authenticate(wsgi_request(authorization=header))
    assert auth.memo.recall(header.encode()) is not None
    rings[0].rotate()
    assert auth.memo.recall(header.encode()) is None


def test_a_verifier_whose_class_has_slots_may_be_remembered() -> None:
    class Slotted:
        __slots__ = ()
        ignores_request: ClassVar[bool] = True
        version: ClassVar[int] = 0

        def verify(self, credentials: Any, request: Any, /) -> Authenticated:
            return Authenticated(Principal("alice"), remember_until=1e12)

    auth = Auth(HTTPBearer(Slotted()))
    auth.authenticate(wsgi_request(authorization="Bearer t"))
    assert auth.memo is not None
    assert auth.memo.recall(b"Bearer t") is not None

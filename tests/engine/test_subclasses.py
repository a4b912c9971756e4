"""Subclasses of an application are asked, where a shorter way would leave them out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from authmw import Auth, HTTPBasic, HTTPBearer, JWTVerifier, KeyRing, Principal, Requirement
from authmw.crypto.signing import TokenIssuer
from authmw.engine.authentication import Authentication
from authmw.engine.context import Call
from authmw.errors import FlowError
from authmw.flow import CallMode
from authmw.http.reasons import Reason
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.request import WSGIRequest
from authmw.wsgi import AuthMiddleware
from tests.contract.cases import Answer, Case
from tests.contract.clients import ask_wsgi
from tests.requests import asgi_request, wsgi_request

RING = KeyRing.generate("EdDSA")
ISSUER = TokenIssuer(RING, issuer="https://id.example", audience="orders")


class ByRole(JWTVerifier):
    """Takes the scopes from a claim, as it is."""

    def granted(self, claims: Mapping[str, Any]) -> Any:
        return claims["role"]


def caller_of(role: object) -> Any:
    auth = Auth(HTTPBearer(ByRole(RING, issuer="https://id.example", audience="orders")))
    token = ISSUER.issue("alice", client_id="web", claims={"role": role})
    return auth.authenticate(wsgi_request(authorization=f"Bearer {token}"))


def test_scopes_that_a_verifier_says_as_text_are_not_searched_for_one() -> None:
    found = caller_of("not-admin")
    assert isinstance(found, Refusal)
    assert found.reason is Reason.UNAVAILABLE


def test_scopes_that_a_verifier_says_as_a_list_are_a_set() -> None:
    found = caller_of(["admin", "staff"])
    assert found.principal.scopes == frozenset({"admin", "staff"})
    assert found.principal.can("staff")


class Member(Principal):
    """A user who may be locked."""

    __slots__ = ()

    @property
    def is_authenticated(self) -> bool:
        return not self.id.startswith("locked-") and super().is_authenticated


def member(username: str, password: str) -> Principal:
    return Member(username)


@pytest.mark.parametrize("mark", [CallMode.NONBLOCKING, CallMode.BLOCKING])
@pytest.mark.parametrize("options", [{}, {"needs": {"/*": "a"}}])
def test_a_principal_that_says_it_is_nobody_is_let_in_nowhere(mark: CallMode, options: dict[str, Any]) -> None:
    def check(username: str, password: str) -> Principal:
        return member(username, password)

    auth = Auth(HTTPBasic(mark(check)))

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError("reached")

    header = (b"Authorization", b"Basic bG9ja2VkLWJvYjpwdw==")
    with pytest.raises(FlowError, match="Member"):
        ask_wsgi(AuthMiddleware(app, auth, **options), Case("it", Answer(401), (header,), "/x"))
    with pytest.raises(FlowError, match="Member"):
        asyncio.run(auth.authenticate_async(asgi_request(authorization="Basic bG9ja2VkLWJvYjpwdw==")))


def test_an_own_way_to_decide_is_asked_also_on_the_object_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = Auth(HTTPBearer())
    asked: list[Requirement] = []

    def decide(authentication: Authentication, requirement: Requirement, *rest: Any, **options: Any) -> Any:
        asked.append(requirement)
        return Auth.decide(auth, authentication, requirement, *rest, **options)

    monkeypatch.setattr(auth, "decide", decide)
    needed = Requirement.all_of("a")
    Call(auth, Authentication(Principal("alice", scopes={"a"}), HTTPBearer())).enforce(needed)
    assert asked == [needed]


class Nobody(Requirement):
    """What nobody has."""

    def missing(self, granted: frozenset[str]) -> tuple[str, ...]:
        return ("more",)


def test_an_own_kind_of_requirement_is_asked_what_is_missing() -> None:
    call = Call(Auth(HTTPBearer()), Authentication(Principal("alice", scopes={"a"}), HTTPBearer()))
    with pytest.raises(AccessRefused):
        call.enforce(Nobody(scopes=("a",)))


class Translated(WSGIRequest):
    """A head whose token comes from another header."""

    def header(self, name: str) -> str | None:
        return super().header("x-inner" if name == "authorization" else name)


def test_the_head_of_a_request_is_asked_for_its_headers() -> None:
    auth = Auth(HTTPBearer({"inner": Principal("inner"), "outer": Principal("outer")}.get))
    environ = {"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": "Bearer outer", "HTTP_X_INNER": "Bearer inner"}
    found = auth.authenticate(Translated(environ))
    assert isinstance(found, Authentication)
    assert found.principal.id == "inner"

"""Several credentials in one request: what the ``Authorization`` header holds decides alone, in any order."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    Authenticated,
    HTTPBasic,
    HTTPBearer,
    JWTVerifier,
    KeyRing,
    Principal,
    Reason,
    Refusal,
    Rejected,
    Requirement,
    TokenVerifier,
    issue,
)
from authmw.engine.authentication import Authentication
from authmw.flow import Ask, Flow
from authmw.schemes.base import Alternatives
from authmw.stores import MemoryApiKeys, MemoryTokens
from tests.requests import asgi_request, wsgi_request

KEYS: Final = KeyRing.generate()
DAY: Final = 86400  # a token that is made at collection has to be good when the last test runs
NAMES: Final[dict[str, Any]] = {"issuer": "https://id.example", "audience": "orders"}
TOKENS: Final = MemoryTokens()
STORED: Final = MemoryApiKeys()
OPAQUE: Final = TOKENS.create("opaque")[0]
KEY: Final = STORED.create("key")[0]
FOREIGN: Final = issue("jwt", keys=KeyRing.generate(), issuer="https://other.example", audience="orders", lifetime=DAY)

Sent = tuple[str, str]
"""A header, and what it holds."""

AUTHORIZATIONS: Final[dict[str, str]] = {
    "a good JWT": f"Bearer {issue('jwt', keys=KEYS, lifetime=DAY, **NAMES)}",
    "an expired JWT": f"Bearer {issue('jwt', keys=KEYS, clock=lambda: 1e9, **NAMES)}",
    "a foreign JWT": f"Bearer {FOREIGN}",
    "a good opaque token": f"Bearer {OPAQUE}",
    "a bad opaque token": f"Bearer {OPAQUE[:-1]}{'A' if OPAQUE[-1] != 'A' else 'B'}",
    "an opaque token of others": "Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "no token": "Bearer",
    "a right password": "Basic YWxpY2U6cmlnaHQ=",
    "a wrong password": "Basic YWxpY2U6d3Jvbmc=",
    "no base64": "Basic !",
    "a scheme that is not accepted": "Negotiate YII=",
}
GOOD: Final = {"a good JWT": "jwt", "a good opaque token": "opaque", "a right password": "alice"}
NOT_ACCEPTED: Final = "a scheme that is not accepted"
API_KEYS: Final = {"a good key": KEY, "a bad key": "ak_bad"}


class Passwords:
    """A verifier that asks a store."""

    def verify(self, credentials: Any, request: Any, /) -> Flow[Any]:
        right = yield from Ask(lambda: credentials.password == "right")
        return Authenticated(Principal("alice")) if right else Rejected(Reason.PASSWORD_WRONG)


def _cookies(value: str) -> Principal | None:
    return Principal("cookie") if value == "c00kie" else None


def _parts() -> tuple[Alternatives, ...]:
    return (
        HTTPBearer(JWTVerifier(KEYS, **NAMES), name="JWT"),
        HTTPBearer(TokenVerifier(TOKENS), name="Opaque"),
        HTTPBasic(Passwords()),
        APIKeyHeader("X-API-Key", ApiKeyVerifier(STORED)),
        APIKeyCookie("session", _cookies),
    )


def _auth(order: tuple[int, ...]) -> Auth:
    parts = _parts()
    accept = parts[order[0]]
    for index in order[1:]:
        accept = accept | parts[index]
    return Auth(accept)


ORDERS: Final = tuple(permutations(range(5)))
AUTHS: Final[dict[tuple[int, ...], Auth]] = {}


def _answer(auth: Auth, headers: dict[str, str]) -> str:
    """The id of the caller, or the code of the refusal; alike under WSGI and ASGI, and for a remembered token."""
    answers: set[str] = set()
    for request in (wsgi_request(**headers), asgi_request(**headers)):
        for _ in range(2):
            found: Any = auth.authenticate(request) if hasattr(request, "environ") else None
            found = asyncio.run(auth.authenticate_async(request)) if found is None else found
            if isinstance(found, Authentication):
                decision = auth.decide(found, Requirement(), request)
                answers.add(decision.reason.code if isinstance(decision, Refusal) else found.principal.id)
            else:
                answers.add(found.reason.code)
    known = auth.memo.recall(headers.get("authorization", "").encode()) if auth.memo is not None else None
    if known is not None:
        answers.add(known.principal.id)
    assert len(answers) == 1, answers
    return answers.pop()


@given(
    order=st.sampled_from(ORDERS),
    authorization=st.sampled_from([None, *AUTHORIZATIONS]),
    api_key=st.sampled_from([None, *API_KEYS]),
    cookie=st.sampled_from([None, "c00kie", "dead"]),
)
def test_the_authorization_header_decides_alone_in_any_order(
    order: tuple[int, ...], authorization: str | None, api_key: str | None, cookie: str | None
) -> None:
    if order not in AUTHS:
        AUTHS[order] = _auth(order)
    headers: dict[str, str] = {}
    if authorization is not None:
        headers["authorization"] = AUTHORIZATIONS[authorization]
    if api_key is not None:
        headers["x_api_key"] = API_KEYS[api_key]
    if cookie is not None:
        headers["cookie"] = f"session={cookie}"
    answer = _answer(AUTHS[order], headers)
    if authorization is not None and authorization != NOT_ACCEPTED:
        if authorization in GOOD:
            assert answer == GOOD[authorization]
        else:
            assert answer.startswith("authmw.")
            assert answer == _answer(AUTHS[order], {"authorization": AUTHORIZATIONS[authorization]})
        return
    # A cookie that authenticates nobody counts as absent.
    others = {3: ("key", api_key == "a good key", api_key), 4: ("cookie", True, cookie if cookie != "dead" else None)}
    presented = [others[index] for index in order if index in others and others[index][2] is not None]
    if not presented and cookie is not None and authorization is None:
        assert answer.startswith("authmw.key-")
    elif not presented:
        expected = "credentials-missing" if authorization is None else "scheme-unsupported"
        assert answer == f"authmw.{expected}"
    else:
        name, good, _ = presented[0]
        assert (answer == name) if good else answer.startswith("authmw.key-")


@pytest.mark.parametrize(
    "verifier, token, detail",
    [
        (JWTVerifier(KEYS, **NAMES), OPAQUE, "it is an opaque token; expected: a signed JWT"),
        (TokenVerifier(TOKENS), "a.b.c", "it is a JWT; expected: a token that begins with at_"),
        (TokenVerifier(TOKENS), "gho_16C7", "it is an opaque token; expected: a token that begins with at_"),
        (ApiKeyVerifier(STORED), "a.b.c", "it is a JWT; expected: an API key that begins with ak_"),
    ],
    ids=["opaque for JWT", "JWT for opaque", "opaque of others", "JWT for key"],
)
def test_a_token_of_another_kind_is_an_invalid_token_and_the_log_names_the_expected_kind(
    verifier: Any, token: str, detail: str
) -> None:
    refusal = Auth(HTTPBearer(verifier)).authenticate(wsgi_request(authorization=f"Bearer {token}"))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason, refusal.detail) == (401, Reason.TOKEN_KIND, detail)
    assert [str(challenge) for challenge in refusal.challenges] == [
        'Bearer realm="app", error="invalid_token", error_description="The access token is invalid."'
    ]


def test_the_log_names_every_kind_that_is_expected_once() -> None:
    accept = (
        HTTPBearer(JWTVerifier(KEYS, **NAMES), name="A")
        | HTTPBearer(TokenVerifier(TOKENS), name="B")
        | HTTPBearer(JWTVerifier(KEYS, **NAMES), name="C")
    )
    refusal = Auth(accept).authenticate(wsgi_request(authorization="Bearer gho_16C7"))
    assert isinstance(refusal, Refusal)
    assert refusal.detail == "it is an opaque token; expected: a signed JWT or a token that begins with at_"


def test_a_token_of_another_kind_looks_like_an_unknown_one_to_the_client() -> None:
    auth = Auth(HTTPBearer(TokenVerifier(TOKENS)))
    bodies: list[Any] = []
    for token in ("at_unknown", "a.b.c"):
        refusal = auth.authenticate(wsgi_request(authorization=f"Bearer {token}"))
        assert isinstance(refusal, Refusal)
        bodies.append((refusal.status, refusal.challenges, refusal.response().body))
    assert bodies[0] == bodies[1]


def test_a_way_of_several_parts_lets_no_other_way_pass_beside_what_authorization_holds() -> None:
    both = APIKeyHeader("X-Site", ApiKeyVerifier(STORED), name="Site") & HTTPBearer(TokenVerifier(TOKENS))
    for accept in (
        both | APIKeyHeader("X-API-Key", ApiKeyVerifier(STORED)),
        APIKeyHeader("X-API-Key", ApiKeyVerifier(STORED)) | both,
    ):
        auth = Auth(accept)
        assert _answer(auth, {"authorization": f"Bearer {OPAQUE}", "x_site": KEY}) == "opaque"
        assert _answer(auth, {"authorization": f"Bearer {OPAQUE}", "x_api_key": KEY}).startswith("authmw.")
        assert _answer(auth, {"authorization": "Bearer junk", "x_api_key": KEY}).startswith("authmw.")
        assert _answer(auth, {"x_api_key": KEY}) == "key"


def test_a_way_of_several_parts_refuses_for_each_of_them_where_it_is_tried_first() -> None:
    site, bearer = APIKeyHeader("X-Site", ApiKeyVerifier(STORED), name="Site"), HTTPBearer(TokenVerifier(TOKENS))
    sent = {"authorization": f"Bearer {OPAQUE}", "x_site": "junk"}
    assert _answer(Auth((site & bearer) | bearer), sent).startswith("authmw.")
    assert _answer(Auth(bearer | (site & bearer)), sent) == "opaque"


def test_credentials_that_only_the_application_verifies_let_no_other_scheme_pass() -> None:
    for accept in (
        HTTPBearer() | APIKeyHeader("X-API-Key", ApiKeyVerifier(STORED)),
        APIKeyHeader("X-API-Key", ApiKeyVerifier(STORED)) | HTTPBearer(),
    ):
        auth = Auth(accept)
        assert _answer(auth, {"authorization": "Bearer any", "x_api_key": KEY}).startswith("authmw.")
        assert _answer(auth, {"authorization": "Bearer any"}).startswith("authmw.")
        assert _answer(auth, {"x_api_key": KEY}) == "key"


def test_each_scheme_of_several_ways_is_evaluated_once() -> None:
    asked: list[str] = []

    class Site:
        def verify(self, credentials: Any, request: Any, /) -> Authenticated:
            asked.append(credentials.key)
            return Authenticated(Principal("site"))

    auth = Auth(APIKeyHeader("X-Site", Site()) & (HTTPBearer(TokenVerifier(TOKENS)) | HTTPBasic(Passwords())))
    found = auth.authenticate(wsgi_request(authorization=AUTHORIZATIONS["a right password"], x_site="s"))
    assert isinstance(found, Authentication)
    assert (found.principal.id, asked) == ("alice", ["s"])


def test_the_first_way_that_reads_authorization_is_remembered_wherever_it_stands() -> None:
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(STORED)) | HTTPBearer(JWTVerifier(KEYS, **NAMES)))
    header = AUTHORIZATIONS["a good JWT"]
    auth.authenticate(wsgi_request(authorization=header))
    assert auth.memo is not None
    known = auth.memo.recall(header.encode())
    assert known is not None
    assert known.principal.id == "jwt"


def test_a_token_of_another_kind_is_named_also_beside_what_belongs_to_another_way() -> None:
    both = APIKeyHeader("X-Site", ApiKeyVerifier(STORED), name="Site") & HTTPBasic(Passwords())
    for accept in (both | HTTPBearer(TokenVerifier(TOKENS)), HTTPBearer(TokenVerifier(TOKENS)) | both):
        refusal = Auth(accept).authenticate(wsgi_request(authorization="Bearer a.b.c", x_site=KEY))
        assert isinstance(refusal, Refusal)
        assert refusal.reason is Reason.TOKEN_KIND

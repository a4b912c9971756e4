"""API keys: exactly one, visible ASCII, in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import (
    ApiKey,
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    ApiKeyVerifier,
    Auth,
    BearerToken,
    ConfigurationError,
    HTTPBearer,
    JWTVerifier,
    KeyRing,
    Principal,
    Reason,
    Refusal,
    Rejected,
    TokenVerifier,
    issue,
)
from authmw.engine.authentication import Authentication
from authmw.http.request import RequestHead, WSGIRequest
from authmw.issuers import Issuers
from authmw.stores import MemoryApiKeys, MemoryRevocations, MemoryTokens
from authmw.stores.revocation_feed import RevocationFeed
from authmw.testing import FakeIssuer
from tests.requests import asgi_request, wsgi_request

HEADER = APIKeyHeader("X-API-Key")
COOKIE = APIKeyCookie("key")
QUERY = APIKeyQuery("key")


def _query(text: str) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": text})


def test_a_key_is_found_in_its_place_and_nowhere_else() -> None:
    everywhere = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "HTTP_X_API_KEY": "h",
            "HTTP_COOKIE": "key=c",
            "QUERY_STRING": "key=q",
            "PATH_INFO": "/",
        }
    )
    assert [scheme.extract(everywhere) for scheme in (HEADER, COOKIE, QUERY)] == [ApiKey("h"), ApiKey("c"), ApiKey("q")]
    assert [scheme.extract(wsgi_request()) for scheme in (HEADER, COOKIE, QUERY)] == [None, None, None]


@pytest.mark.parametrize("value", ["", " ", "\t", "a b", "é", "a\x00", "a\x7f", "\xa0", "a" * 8193])
@pytest.mark.parametrize("make", [wsgi_request, asgi_request], ids=["wsgi", "asgi"])
def test_key_3_a_key_that_cannot_be_one_is_refused(make: Any, value: str) -> None:
    read = HEADER.extract(make(x_api_key=value))
    assert isinstance(read, Rejected)
    assert read.reason is Reason.CREDENTIALS_MALFORMED


@pytest.mark.parametrize("value", ["!", "~", "a=b;c", "a" * 8192])
@pytest.mark.parametrize("make", [wsgi_request, asgi_request], ids=["wsgi", "asgi"])
def test_key_3_any_other_key_is_taken_as_it_is_without_the_spaces_around(make: Any, value: str) -> None:
    assert HEADER.extract(make(x_api_key=f" \t{value}\t ")) == ApiKey(value)


@pytest.mark.parametrize(
    "scheme, request_",
    [
        (HEADER, wsgi_request(x_api_key="a,b")),
        (HEADER, wsgi_request(x_api_key="a, a")),
        (HEADER, wsgi_request(x_api_key=",")),
        (COOKIE, wsgi_request(cookie="key=a; key=b")),
        (COOKIE, wsgi_request(cookie="key=a,key=b")),
        (QUERY, _query("key=a&key=b")),
        (QUERY, _query("key=a&%6bey=a")),
        (QUERY, _query("&".join(["x=y"] * 1001) + "&key=a")),
    ],
)
def test_key_3_two_keys_are_refused(scheme: Any, request_: WSGIRequest) -> None:
    read = scheme.extract(request_)
    assert isinstance(read, Rejected)
    assert read.reason is Reason.CREDENTIAL_DUPLICATE


def test_key_2_a_key_in_the_query_counts_only_where_the_scheme_says_so() -> None:
    assert Auth(HEADER).authenticate(_query("key=k&X-API-Key=k&x-api-key=k&access_token=k")) == Auth(
        HTTPBearer()
    ).authenticate(_query(""))


@pytest.mark.parametrize(
    "scheme, challenge",
    [
        (HEADER, 'ApiKey realm="orders", header="X-API-Key"'),
        (COOKIE, 'ApiKey realm="orders", cookie="key"'),
        (QUERY, 'ApiKey realm="orders", query="key"'),
    ],
)
def test_the_challenge_names_the_place(scheme: Any, challenge: str) -> None:
    assert str(scheme.challenge("orders")) == challenge


def test_class_32_answers_say_what_they_vary_on() -> None:
    assert (APIKeyHeader("X-API-Key").vary, COOKIE.vary, QUERY.vary) == ("X-API-Key", "Cookie", "")
    assert Auth(HTTPBearer() | HEADER | COOKIE | QUERY).vary == "Authorization, X-API-Key, Cookie"


@pytest.mark.parametrize(
    "options, ending",
    [
        ({}, "Path=/; HttpOnly"),
        ({"path": "/api"}, "Path=/api; HttpOnly"),
        ({"domain": "shop.example"}, "Path=/; Domain=shop.example; HttpOnly"),
    ],
    ids=str,
)
def test_a_dead_cookie_is_cleared_where_the_application_sets_it(options: dict[str, Any], ending: str) -> None:
    dead, kept = Rejected(Reason.KEY_UNKNOWN), Rejected(Reason.CROSS_SITE)
    cookie = APIKeyCookie("key", **options)
    assert cookie.clearing(dead) == (("Set-Cookie", f"key=; Max-Age=0; {ending}"),)
    assert cookie.clearing(kept) == HEADER.clearing(dead) == QUERY.clearing(dead) == ()


def test_tok_3_a_key_is_not_shown() -> None:
    assert "s3cret" not in repr(ApiKey("s3cret"))


# A gateway puts the access token into a header of its own.

KEYS = KeyRing.generate()
FAKE = FakeIssuer("https://id.example")
TOKENS = MemoryTokens()
# A verifier, and what makes a token that it takes: one made while the tests are collected may be old when they run.
IN_HEADER: dict[str, tuple[Any, Callable[[], str]]] = {
    "an issuer": (FAKE.verifier(audience="orders"), lambda: FAKE.token(audience="orders")),
    "several issuers": (Issuers(FAKE.verifier(audience="orders")), lambda: FAKE.token(audience="orders")),
    "keys at hand": (
        JWTVerifier(KEYS, issuer="https://id.example", audience="orders"),
        lambda: issue("alice", keys=KEYS, issuer="https://id.example", audience="orders"),
    ),
    "opaque tokens": (TokenVerifier(TOKENS), lambda: TOKENS.create("alice")[0]),
}


@pytest.mark.parametrize("verifier, made", IN_HEADER.values(), ids=IN_HEADER)
def test_a_header_of_its_own_may_hold_an_access_token(verifier: Any, made: Callable[[], str]) -> None:
    token = made()
    auth = Auth(APIKeyHeader("X-Forwarded-Access-Token", verifier))
    found = auth.authenticate(wsgi_request(x_forwarded_access_token=token, authorization="Basic c3RhZ2U6cHc="))
    assert isinstance(found, Authentication)
    assert found.principal.id == "alice"
    reasons: list[Reason] = []
    for bad in (f"Bearer {token}", f"{token[:-8]}AAAAAAAA", "x.y", "a,b", ""):
        refusal = auth.authenticate(wsgi_request(x_forwarded_access_token=bad))
        assert isinstance(refusal, Refusal)
        reasons.append(refusal.reason)
    assert reasons[0] is Reason.CREDENTIALS_MALFORMED
    assert reasons[3] is Reason.CREDENTIAL_DUPLICATE


def test_a_verifier_of_both_gets_a_key_from_a_header() -> None:
    scheme = APIKeyHeader("X-API-Key", ApiKeyVerifier(MemoryApiKeys()))
    assert scheme.extract(wsgi_request(x_api_key="k")) == ApiKey("k")
    tokens = APIKeyHeader("X-API-Key", TokenVerifier(MemoryTokens()))
    assert tokens.extract(wsgi_request(x_api_key="k")) == BearerToken("k")
    assert isinstance(tokens.extract(wsgi_request(x_api_key="k?")), Rejected)


class _OwnHeader(APIKeyHeader):
    """Changes nothing."""


class _OwnValue(APIKeyHeader):
    """Takes the key from elsewhere."""

    def value(self, request: RequestHead) -> str | None:
        return request.header("x-other")


class _OwnExtract(APIKeyHeader):
    """Reads the key in its own way."""

    def extract(self, request: RequestHead) -> ApiKey | BearerToken | Rejected | None:
        return super().extract(request)


class _OwnVerifier(ApiKeyVerifier):
    """May verify in its own way."""


def header_of(kind: type[APIKeyHeader] = APIKeyHeader, verifier: Any = None, **replaced: Any) -> APIKeyHeader:
    scheme = kind("X-API-Key", ApiKeyVerifier(MemoryApiKeys()) if verifier is None else verifier)
    for name, value in replaced.items():
        setattr(scheme, name, value)
    return scheme


def test_a_key_is_known_by_its_header_alone_where_nothing_reads_or_verifies_it_in_another_way() -> None:
    replaced = ApiKeyVerifier(MemoryApiKeys())
    vars(replaced)["verify"] = replaced.verify
    followed = ApiKeyVerifier(MemoryApiKeys(), revocations=RevocationFeed(MemoryRevocations()))
    schemes = {
        "plain": header_of(),
        "a subclass": header_of(_OwnHeader),
        "a subclass with another value": header_of(_OwnValue),
        "a subclass with another extract": header_of(_OwnExtract),
        "another value": header_of(value=HEADER.value),
        "another extract": header_of(extract=HEADER.extract),
        "a verifier of ones own": header_of(verifier=_OwnVerifier(MemoryApiKeys())),
        "a verifier with another verify": header_of(verifier=replaced),
        "a verifier that follows revocations": header_of(verifier=followed),
        "access tokens": header_of(verifier=TokenVerifier(MemoryTokens())),
        "a function": header_of(verifier={"k": Principal("alice")}.get),
        "nothing": HEADER,
    }
    known = {name for name, scheme in schemes.items() if scheme.recalls_header}
    assert known == {"plain", "a subclass"}
    assert {scheme.recalls_header for scheme in schemes.values()} == {"x-api-key", ""}


def test_a_key_that_was_good_before_is_recalled_until_its_record_changes() -> None:
    keys = MemoryApiKeys()
    key, record = keys.create("alice")
    scheme = header_of(verifier=ApiKeyVerifier(keys))
    assert scheme.recall_header(key.encode()) is None
    auth = Auth(scheme)
    auth.authenticate(wsgi_request(x_api_key=key))  # which writes the use of the key
    found = auth.authenticate(wsgi_request(x_api_key=key))
    assert isinstance(found, Authentication)
    recalled = scheme.recall_header(key.encode())
    assert recalled is not None
    assert recalled.principal == found.principal
    for other in (key.encode() + b"x", b"", f"{key},{key}".encode()):
        assert scheme.recall_header(other) is None
    keys.revoke(record.id)
    assert scheme.recall_header(key.encode()) is None


@pytest.mark.parametrize("place", [APIKeyCookie, APIKeyQuery])
def test_an_access_token_is_taken_from_no_query_and_from_no_cookie(place: Any) -> None:
    with pytest.raises(ConfigurationError, match="pair each scheme"):
        place("token", FAKE.verifier(audience="orders"))


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: APIKeyHeader(ApiKeyVerifier(MemoryApiKeys())), 'write APIKeyHeader("X-API-Key", ...)'),  # type: ignore[arg-type]
        (lambda: APIKeyQuery(None), 'write APIKeyQuery("api_key", ...)'),  # type: ignore[arg-type]
        (lambda: APIKeyCookie(7), 'write APIKeyCookie("api_key", ...)'),  # type: ignore[arg-type]
        (lambda: APIKeyHeader("X Key"), "cannot name a header"),
        (lambda: APIKeyHeader(""), "cannot name a header"),
        (lambda: APIKeyQuery("key=a"), "cannot name a query"),
        (lambda: APIKeyCookie("key;a"), "cannot name a cookie"),
        (lambda: APIKeyHeader("X_API_Key"), "underscore"),
        (lambda: APIKeyHeader("authorization"), "belongs to HTTPBearer"),
        (lambda: APIKeyHeader("AUTHORIZATION"), "belongs to HTTPBearer"),
        (lambda: APIKeyCookie("key", path="api"), "as in Set-Cookie"),
        (lambda: APIKeyCookie("key", path="/a;b"), "as in Set-Cookie"),
        (lambda: APIKeyCookie("key", domain="shop example"), "as in Set-Cookie"),
        (lambda: APIKeyCookie("__Host-key", path="/api"), "leave out path= and domain="),
        (lambda: APIKeyCookie("__host-key", domain="shop.example"), "leave out path= and domain="),
    ],
)
def test_a_place_that_no_request_could_have_is_refused(make: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert said in str(caught.value)


def test_a_key_has_the_name_that_its_document_is_to_show() -> None:
    assert [each("key", name="Shop").name for each in (APIKeyHeader, APIKeyQuery, APIKeyCookie)] == ["Shop"] * 3
    for each in (APIKeyHeader, APIKeyQuery, APIKeyCookie):
        assert each("key").name == each.__name__
    assert APIKeyCookie("__Host-key").path == "/"


@given(st.text(st.characters(max_codepoint=0x17F), max_size=4))
def test_only_visible_ascii_is_a_key(text: str) -> None:
    found = HEADER.extract(wsgi_request(x_api_key=text))
    stripped = text.strip(" \t")
    assert isinstance(found, ApiKey) is (re.fullmatch(r"[!-+\--~]+", stripped) is not None)
    assert found == ApiKey(stripped) or isinstance(found, Rejected)

"""Every scheme describes itself as OpenAPI 3.1 writes it, and reads as its kind does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from authmw import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    BearerToken,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
    TrustedHeader,
)
from authmw.schemes.base import SecurityScheme
from authmw.schemes.http_dpop import HTTPDPoP
from authmw.schemes.session import Session
from authmw.schemes.token_cookie import TokenCookie
from authmw.stores import MemoryStores
from authmw.verifiers.dpop import DEFAULT_ALGORITHMS
from tests.requests import wsgi_request
from tests.wrong_arguments import refuses_unknown_argument

ORIGIN = "https://shop.example"
BEARER = 'Bearer realm="app"'

SCOPES = {"orders:read": "See orders"}


@pytest.mark.parametrize(
    "scheme, described",
    [
        (HTTPBasic(description="d"), {"type": "http", "scheme": "basic", "description": "d"}),
        (HTTPBearer(), {"type": "http", "scheme": "bearer"}),
        (HTTPBearer(bearer_format="JWT"), {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        (APIKeyHeader("X-Key"), {"type": "apiKey", "in": "header", "name": "X-Key"}),
        (APIKeyQuery("key"), {"type": "apiKey", "in": "query", "name": "key"}),
        (APIKeyCookie("key"), {"type": "apiKey", "in": "cookie", "name": "key"}),
        (HTTPDigest(), {"type": "http", "scheme": "digest"}),
        (HTTPDPoP(), {"type": "http", "scheme": "dpop"}),
        (TokenCookie(origins=[ORIGIN]), {"type": "apiKey", "in": "cookie", "name": "__Host-access"}),
        (TokenCookie(origins=[ORIGIN], cookie="__Host-a"), {"type": "apiKey", "in": "cookie", "name": "__Host-a"}),
        (Session(MemoryStores()), {"type": "apiKey", "in": "cookie", "name": "__Host-session"}),
        (TrustedHeader("X-User", proxies=["unix"]), {"type": "apiKey", "in": "header", "name": "X-User"}),
        (
            OAuth2PasswordBearer("token", scopes=SCOPES, refresh_url="refresh"),
            {"password": {"tokenUrl": "token", "refreshUrl": "refresh", "scopes": SCOPES}},
        ),
        (
            OAuth2AuthorizationCodeBearer("auth", "token"),
            {"authorizationCode": {"authorizationUrl": "auth", "tokenUrl": "token", "scopes": {}}},
        ),
        (OAuth2ClientCredentialsBearer("token"), {"clientCredentials": {"tokenUrl": "token", "scopes": {}}}),
        (OAuth2({"implicit": {"authorizationUrl": "a"}}), {"implicit": {"authorizationUrl": "a", "scopes": {}}}),
        (OpenIdConnect("https://op.example"), {"type": "openIdConnect", "openIdConnectUrl": "https://op.example"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_scheme_has_its_openapi_object(scheme: Any, described: dict[str, Any]) -> None:
    expected = described if "type" in described else {"type": "oauth2", "flows": described}
    assert scheme.openapi() == expected


def flow_of(name: str, **urls: str) -> dict[str, Any]:
    return {"type": "oauth2", "flows": {name: {**urls, "scopes": SCOPES}}}


def key_in(place: str, name: str) -> dict[str, Any]:
    return {"type": "apiKey", "in": place, "name": name}


MAKERS: dict[str, tuple[Callable[..., SecurityScheme[Any]], dict[str, Any], str]] = {
    "Basic": (HTTPBasic, {"type": "http", "scheme": "basic"}, 'Basic realm="app", charset="UTF-8"'),
    "Bearer": (HTTPBearer, {"type": "http", "scheme": "bearer"}, BEARER),
    "DPoP": (HTTPDPoP, {"type": "http", "scheme": "dpop"}, f'DPoP realm="app", algs="{" ".join(DEFAULT_ALGORITHMS)}"'),
    "a header": (partial(APIKeyHeader, "X-Key"), key_in("header", "X-Key"), 'ApiKey realm="app", header="X-Key"'),
    "a query": (partial(APIKeyQuery, "key"), key_in("query", "key"), 'ApiKey realm="app", query="key"'),
    "a cookie": (partial(APIKeyCookie, "key"), key_in("cookie", "key"), 'ApiKey realm="app", cookie="key"'),
    "a token cookie": (
        partial(TokenCookie, origins=[ORIGIN]),
        key_in("cookie", "__Host-access"),
        'ApiKey realm="app", cookie="__Host-access"',
    ),
    "a session": (
        partial(Session, MemoryStores()),
        key_in("cookie", "__Host-session"),
        'ApiKey realm="app", cookie="__Host-session"',
    ),
    "a proxy": (
        partial(TrustedHeader, "X-User", proxies=["unix"]),
        key_in("header", "X-User"),
        'TrustedHeader realm="app"',
    ),
    "OAuth 2": (partial(OAuth2, {"x": {"scopes": SCOPES}}), flow_of("x"), BEARER),
    "a password": (
        partial(OAuth2PasswordBearer, "token", scopes=SCOPES, refresh_url="refresh"),
        flow_of("password", tokenUrl="token", refreshUrl="refresh"),
        BEARER,
    ),
    "a code": (
        partial(OAuth2AuthorizationCodeBearer, "auth", "token", scopes=SCOPES, refresh_url="refresh"),
        flow_of("authorizationCode", authorizationUrl="auth", tokenUrl="token", refreshUrl="refresh"),
        BEARER,
    ),
    "a client": (
        partial(OAuth2ClientCredentialsBearer, "token", scopes=SCOPES),
        flow_of("clientCredentials", tokenUrl="token"),
        BEARER,
    ),
    "OpenID Connect": (
        partial(OpenIdConnect, "https://op.example"),
        {"type": "openIdConnect", "openIdConnectUrl": "https://op.example"},
        BEARER,
    ),
}


@pytest.mark.parametrize("make, described, challenge", MAKERS.values(), ids=MAKERS)
def test_every_scheme_has_its_challenge_and_the_name_and_the_description_that_it_is_given(
    make: Callable[..., SecurityScheme[Any]], described: dict[str, Any], challenge: str
) -> None:
    plain, named = make(), make(name="Shop", description="For partners.")
    assert (plain.name, plain.description) == (type(plain).__name__, "")
    assert (named.name, named.description) == ("Shop", "For partners.")
    assert plain.openapi() == described
    assert named.openapi() == {**described, "description": "For partners."}
    assert [str(each) for each in plain.challenges("app")] == [challenge]


LINES: dict[Callable[..., object], str] = {
    HTTPBasic: "HTTPBasic(PasswordVerifier(...))",
    HTTPBearer: "HTTPBearer(JWTVerifier(...))",
    HTTPDigest: "HTTPDigest(DigestVerifier(...))",
    HTTPDPoP: "HTTPDPoP(DPoPVerifier(...))",
    APIKeyHeader: 'APIKeyHeader("X-API-Key", ApiKeyVerifier(...))',
    APIKeyQuery: 'APIKeyQuery("api_key", ApiKeyVerifier(...))',
    APIKeyCookie: 'APIKeyCookie("api_key", ApiKeyVerifier(...))',
    TokenCookie: 'TokenCookie(service.verifier(), origins=["https://..."])',
    Session: 'Session(SQLStores("sqlite:///app.db"))',
    TrustedHeader: 'TrustedHeader("X-Remote-User", ..., proxies=["10.0.0.0/8"])',
    OAuth2PasswordBearer: 'OAuth2PasswordBearer("auth/token", service.verifier())',
    OAuth2AuthorizationCodeBearer: 'OAuth2AuthorizationCodeBearer("https://...", "https://...", JWTVerifier(...))',
    OAuth2ClientCredentialsBearer: 'OAuth2ClientCredentialsBearer("auth/token", service.verifier())',
}


@pytest.mark.parametrize("make, line", LINES.items(), ids=LINES.values())
def test_an_argument_that_a_scheme_has_not_is_refused_with_the_line_to_write(
    make: Callable[..., object], line: str
) -> None:
    refuses_unknown_argument(make, line)


@pytest.mark.parametrize("scheme", [OAuth2PasswordBearer("token"), OpenIdConnect("https://op.example")])
def test_oauth_schemes_carry_bearer_tokens(scheme: Any) -> None:
    assert scheme.extract(wsgi_request(authorization="Bearer abc")) == BearerToken("abc")
    assert str(scheme.challenge("app")) == 'Bearer realm="app"'


def test_a_scope_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="scope"):
        OAuth2PasswordBearer("token", scopes={"two words": ""})

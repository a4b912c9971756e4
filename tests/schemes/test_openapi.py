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
from tests.requests import wsgi_request

ORIGIN = "https://shop.example"

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


MAKERS: dict[str, Callable[..., SecurityScheme[Any]]] = {
    "Basic": HTTPBasic,
    "Bearer": HTTPBearer,
    "Digest": HTTPDigest,
    "DPoP": HTTPDPoP,
    "a header": partial(APIKeyHeader, "X-Key"),
    "a query": partial(APIKeyQuery, "key"),
    "a cookie": partial(APIKeyCookie, "key"),
    "a token cookie": partial(TokenCookie, origins=[ORIGIN]),
    "a session": partial(Session, MemoryStores()),
    "a proxy": partial(TrustedHeader, "X-User", proxies=["unix"]),
    "OAuth 2": partial(OAuth2, {}),
    "a password": partial(OAuth2PasswordBearer, "token"),
    "a code": partial(OAuth2AuthorizationCodeBearer, "auth", "token"),
    "a client": partial(OAuth2ClientCredentialsBearer, "token"),
    "OpenID Connect": partial(OpenIdConnect, "https://op.example"),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_scheme_has_the_name_and_the_description_that_it_is_given(
    make: Callable[..., SecurityScheme[Any]],
) -> None:
    plain, named = make(), make(name="Shop", description="For partners.")
    assert (plain.name, plain.description) == (type(plain).__name__, "")
    assert (named.name, named.description) == ("Shop", "For partners.")
    assert "description" not in plain.openapi()
    assert named.openapi() == {**plain.openapi(), "description": "For partners."}


@pytest.mark.parametrize("scheme", [OAuth2PasswordBearer("token"), OpenIdConnect("https://op.example")])
def test_oauth_schemes_carry_bearer_tokens(scheme: Any) -> None:
    assert scheme.extract(wsgi_request(authorization="Bearer abc")) == BearerToken("abc")
    assert str(scheme.challenge("app")) == 'Bearer realm="app"'


def test_a_scope_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="scope"):
        OAuth2PasswordBearer("token", scopes={"two words": ""})

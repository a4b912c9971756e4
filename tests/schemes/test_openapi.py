"""Every scheme describes itself as OpenAPI 3.1 writes it, and reads as its kind does."""

from __future__ import annotations

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
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
    TrustedHeader,
)
from tests.requests import wsgi_request

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


@pytest.mark.parametrize("scheme", [OAuth2PasswordBearer("token"), OpenIdConnect("https://op.example")])
def test_oauth_schemes_carry_bearer_tokens(scheme: Any) -> None:
    assert scheme.extract(wsgi_request(authorization="Bearer abc")) == BearerToken("abc")
    assert str(scheme.challenge("app")) == 'Bearer realm="app"'


def test_a_scope_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="scope"):
        OAuth2PasswordBearer("token", scopes={"two words": ""})

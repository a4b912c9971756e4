"""Every scheme is described as each version of OpenAPI can."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBearer, OAuth2, OAuth2PasswordBearer
from authmw.openapi import security_schemes
from tests.openapi.declared import READ, WRITE, every_scheme


def flow_of(auth: Auth, **options: Any) -> Any:
    return security_schemes(auth, **options)["OAuth2PasswordBearer"]["flows"]["password"]["scopes"]


def test_the_scopes_of_the_application_fill_every_flow_that_describes_none() -> None:
    auth = Auth(OAuth2PasswordBearer("token"), scopes={READ: "See orders"})
    assert flow_of(auth) == {READ: "See orders"}


def test_a_flow_that_describes_scopes_keeps_them() -> None:
    auth = Auth(OAuth2PasswordBearer("token", scopes={WRITE: "Change orders"}), scopes={READ: "See orders"})
    assert flow_of(auth) == {WRITE: "Change orders"}


def test_scopes_that_operations_name_are_all_listed_with_what_is_known_of_them() -> None:
    auth = Auth(OAuth2PasswordBearer("token", scopes={WRITE: "Change orders"}), scopes={READ: "See orders"})
    assert flow_of(auth, used=[READ, "admin", WRITE]) == {WRITE: "Change orders", READ: "See orders", "admin": ""}


def test_describing_changes_no_scheme() -> None:
    scheme = OAuth2PasswordBearer("token")
    security_schemes(Auth(scheme, scopes={READ: "See orders"}), used=["admin"])
    assert scheme.openapi()["flows"]["password"]["scopes"] == {}


def test_a_scheme_used_twice_is_described_once() -> None:
    key, bearer = APIKeyHeader("X-Site"), HTTPBearer()
    assert list(security_schemes(Auth(key & bearer | bearer | key))) == ["APIKeyHeader", "HTTPBearer"]


def test_a_name_that_no_document_may_have_is_refused_with_its_fix() -> None:
    auth = Auth(HTTPBearer(name="a token") | APIKeyHeader("X-Key", name="ключ"))
    with pytest.raises(ConfigurationError) as refused:
        security_schemes(auth)
    assert len(refused.value.mistakes) == 2
    assert "letters, digits" in refused.value.mistakes[0]


SWAGGER: dict[str, dict[str, Any]] = {
    "HTTPBasic": {"type": "basic", "description": "A password"},
    "HTTPBearer": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "HTTPDigest": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "APIKeyQuery": {"type": "apiKey", "in": "query", "name": "key"},
    "APIKeyCookie": {"type": "apiKey", "in": "header", "name": "Cookie"},
    "TokenCookie": {"type": "apiKey", "in": "header", "name": "Cookie"},
    "TrustedHeader": {"type": "apiKey", "in": "header", "name": "X-User"},
    "OpenIdConnect": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "OAuth2PasswordBearer": {"type": "oauth2", "flow": "password", "tokenUrl": "https://shop.example/token"},
    "OAuth2ClientCredentialsBearer": {
        "type": "oauth2",
        "flow": "application",
        "tokenUrl": "https://shop.example/token",
    },
    "OAuth2AuthorizationCodeBearer": {
        "type": "oauth2",
        "flow": "accessCode",
        "authorizationUrl": "https://op.example/authorize",
        "tokenUrl": "https://op.example/token",
    },
    "Implicit": {"type": "oauth2", "flow": "implicit", "authorizationUrl": "https://op.example/authorize"},
    "NoFlow": {"type": "apiKey", "in": "header", "name": "Authorization"},
}


@pytest.mark.parametrize("name", SWAGGER)
def test_swagger_has_the_nearest_thing_to_each_scheme(name: str) -> None:
    expected = SWAGGER[name]
    described = security_schemes(every_scheme(), "2.0")[name]
    if expected["type"] == "oauth2":
        expected = {**expected, "scopes": {READ: "See orders"}}
    assert {member: value for member, value in described.items() if member in expected} == expected
    assert described.keys() - expected.keys() <= {"description"}


def test_swagger_is_told_the_one_flow_that_it_knows() -> None:
    flows = {"deviceAuthorization": {"tokenUrl": "/device"}, "password": {"tokenUrl": "/token"}}
    described = security_schemes(Auth(OAuth2(flows)), "2.0")["OAuth2"]
    assert described == {"type": "oauth2", "flow": "password", "tokenUrl": "/token", "scopes": {}}


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_openapi_3_has_every_scheme_as_it_describes_itself(version: Any) -> None:
    auth = every_scheme()
    described = security_schemes(auth, version)
    for scheme in auth.schemes:
        if described[scheme.name]["type"] != "oauth2":
            assert described[scheme.name] == scheme.openapi()

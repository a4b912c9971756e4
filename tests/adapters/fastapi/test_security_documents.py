"""The drop-ins in an application: what its OpenAPI document says, and what it answers.

Annotations are not postponed: older releases of FastAPI cannot resolve those of a subclass of ours.
"""

from typing import Any

import pytest
from authmw_fastapi.security import (
    HTTPBearer,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
)
from authmw_fastapi.security.http import HTTPBase
from fastapi import FastAPI, HTTPException, Security, WebSocket
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from tests.adapters.fastapi.security_helpers import MAKERS, REFUSED, app_of, document_of, read

SCHEMES: dict[str, dict[str, Any]] = {
    "HTTPBase": {"type": "http", "scheme": "other"},
    "HTTPBasic": {"type": "http", "scheme": "basic"},
    "HTTPBearer": {"type": "http", "scheme": "bearer"},
    "HTTPDigest": {"type": "http", "scheme": "digest"},
    "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "APIKeyQuery": {"type": "apiKey", "in": "query", "name": "key"},
    "APIKeyCookie": {"type": "apiKey", "in": "cookie", "name": "key"},
    "OAuth2": {"type": "oauth2", "flows": {}},
    "OAuth2PasswordBearer": {"type": "oauth2", "flows": {"password": {"tokenUrl": "token", "scopes": {}}}},
    "OAuth2AuthorizationCodeBearer": {
        "type": "oauth2",
        "flows": {"authorizationCode": {"authorizationUrl": "login", "tokenUrl": "token", "scopes": {}}},
    },
    "OAuth2ClientCredentialsBearer": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "token", "scopes": {}}},
    },
    "OpenIdConnect": {"type": "openIdConnect", "openIdConnectUrl": "/openid"},
}
CHALLENGES = {
    "HTTPBase": "Other",
    "HTTPBasic": "Basic",
    "HTTPDigest": "Digest",
    "APIKeyHeader": "APIKey",
    "APIKeyQuery": "APIKey",
    "APIKeyCookie": "APIKey",
}
CREDENTIALS = {
    "HTTPBasic": "Basic YWxpY2U6c2VjcmV0",
    "HTTPDigest": "Digest secret",
}


def schemes_in(document: dict[str, Any]) -> dict[str, Any]:
    schemes: dict[str, Any] = document["components"]["securitySchemes"]
    return schemes


def test_every_scheme_is_named_here() -> None:
    assert SCHEMES.keys() == MAKERS.keys()


@pytest.mark.parametrize("name", MAKERS)
def test_a_scheme_is_documented_under_its_class_name(name: str) -> None:
    document = document_of(MAKERS[name]())
    assert schemes_in(document) == {name: SCHEMES[name]}
    (requirement,) = document["paths"]["/"]["get"]["security"]
    assert requirement.keys() == {name}


@pytest.mark.parametrize("name", MAKERS)
def test_a_scheme_is_documented_under_the_name_it_is_given(name: str) -> None:
    document = document_of(MAKERS[name](scheme_name="Mine", description="How to *get* one."))
    assert schemes_in(document) == {"Mine": {**SCHEMES[name], "description": "How to *get* one."}}


@pytest.mark.parametrize("name", ["OAuth2", "OpenIdConnect", "OAuth2PasswordBearer", "OAuth2ClientCredentialsBearer"])
def test_scopes_are_documented_on_the_operation(name: str) -> None:
    assert document_of(MAKERS[name]())["paths"]["/"]["get"]["security"] == [{name: ["orders:read"]}]


def test_a_subclass_is_documented_under_its_own_name() -> None:
    class Mine(HTTPBearer):
        pass

    assert list(schemes_in(document_of(Mine()))) == ["Mine"]


def test_the_bearer_format_is_documented() -> None:
    bearer = HTTPBearer(bearerFormat="JWT")
    assert schemes_in(document_of(bearer))["HTTPBearer"] == {**SCHEMES["HTTPBearer"], "bearerFormat": "JWT"}


@pytest.mark.parametrize(
    "scheme, flow",
    [
        (OAuth2PasswordBearer("t", scopes={"a": "A"}, refreshUrl="r"), "password"),
        (OAuth2AuthorizationCodeBearer("l", "t", "r", scopes={"a": "A"}), "authorizationCode"),
        (OAuth2ClientCredentialsBearer("t", None, {"a": "A"}, refreshUrl="r"), "clientCredentials"),
    ],
    ids=["password", "authorization code", "client credentials"],
)
def test_the_urls_and_scopes_of_a_flow_are_documented(scheme: OAuth2, flow: str) -> None:
    described = schemes_in(document_of(scheme))[type(scheme).__name__]["flows"][flow]
    assert described.pop("authorizationUrl", "l") == "l"
    assert described == {"tokenUrl": "t", "refreshUrl": "r", "scopes": {"a": "A"}}


def test_flows_may_be_given_as_fastapis_model() -> None:
    flows = OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl="t", scopes={}))
    document = document_of(OAuth2(flows=flows))
    assert schemes_in(document)["OAuth2"]["flows"] == {"clientCredentials": {"tokenUrl": "t", "scopes": {}}}


@pytest.mark.parametrize("name", MAKERS)
def test_without_credentials_the_answer_is_401_with_one_challenge(name: str) -> None:
    response = TestClient(app_of(MAKERS[name]())).get("/")
    assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
    assert response.headers.get_list("www-authenticate") == [CHALLENGES.get(name, "Bearer")]


@pytest.mark.parametrize("name", MAKERS)
def test_without_credentials_an_operation_goes_without_where_they_are_optional(name: str) -> None:
    response = TestClient(app_of(MAKERS[name](auto_error=False))).get("/")
    assert (response.status_code, response.json()) == (200, None)


@pytest.mark.parametrize("name", MAKERS)
def test_a_websocket_is_guarded_too(name: str) -> None:
    app = FastAPI()

    async def endpoint(websocket: WebSocket, _: Any = Security(MAKERS[name]())) -> None:  # noqa: B008 - FastAPI's way
        await websocket.accept()
        await websocket.send_text("in")
        await websocket.close()

    app.add_api_websocket_route("/", endpoint)
    headers = {"Authorization": CREDENTIALS.get(name, "Bearer t0ken"), "X-Key": "k3y", "Cookie": "key=k3y"}
    client = TestClient(app)
    with client.websocket_connect("/?key=k3y", headers=headers) as websocket:
        assert websocket.receive_text() == "in"
    # Not through the application: older releases tell the client nothing, which waits.
    assert read(MAKERS[name](), kind="websocket") == REFUSED


def test_the_error_is_the_programs_to_change() -> None:
    class Forbidding(HTTPBearer):
        def make_not_authenticated_error(self) -> HTTPException:
            return HTTPException(403, "No")

    response = TestClient(app_of(Forbidding())).get("/", headers={"Authorization": "Bearer a b"})
    assert (response.status_code, response.json()) == (403, {"detail": "No"})


def test_a_subclass_may_look_further() -> None:
    class Checked(OAuth2PasswordBearer):
        async def __call__(self, request: HTTPConnection) -> str | None:
            token = await super().__call__(request)
            return token and token.upper()

    response = TestClient(app_of(Checked("token"))).get("/", headers={"Authorization": "Bearer t0ken"})
    assert response.json() == "T0KEN"


def test_the_generic_scheme_challenges_by_its_name_in_title_case() -> None:
    assert HTTPBase(scheme="hAWK").make_authenticate_headers() == {"WWW-Authenticate": "Hawk"}


def test_openid_connect_documents_its_url_only() -> None:
    scheme = OpenIdConnect(openIdConnectUrl="https://id.example/.well-known/openid-configuration")
    assert scheme.model.openIdConnectUrl == "https://id.example/.well-known/openid-configuration"

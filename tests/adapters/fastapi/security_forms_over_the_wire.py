"""Forms as clients post them, in FastAPI's own environments, which have python-multipart: `run_ours` names this."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from authmw_fastapi.security import (
    OAuth2ClientCredentialsRequestForm,
    OAuth2PasswordRequestForm,
    OAuth2PasswordRequestFormStrict,
    OAuth2RefreshRequestForm,
)
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

CLIENT = {"client_id": "shop", "client_secret": "s3cret"}
GRANTS: dict[str, tuple[type, dict[str, str]]] = {
    "password": (OAuth2PasswordRequestForm, {"username": "alice", "password": "secret"}),
    "strict": (OAuth2PasswordRequestFormStrict, {"grant_type": "password", "username": "alice", "password": "secret"}),
    "refresh": (OAuth2RefreshRequestForm, {"grant_type": "refresh_token", "refresh_token": "r3fresh"}),
    "client": (OAuth2ClientCredentialsRequestForm, {"grant_type": "client_credentials"}),
}


def client_of(form: Any) -> TestClient:
    app = FastAPI()

    def token(posted: object) -> dict[str, object]:
        return vars(posted)

    token.__annotations__["posted"] = Annotated[form, Depends()]
    app.post("/token")(token)
    return TestClient(app)


@pytest.mark.parametrize("grant", GRANTS)
def test_a_form_is_read(grant: str) -> None:
    form, posted = GRANTS[grant]
    response = client_of(form).post("/token", data={**posted, **CLIENT, "scope": "orders:read  orders:write"})
    expected = {**posted, **CLIENT, "scopes": ["orders:read", "orders:write"]}
    if grant == "password":
        expected["grant_type"] = None  # type: ignore[assignment]
    assert (response.status_code, response.json()) == (200, expected)


@pytest.mark.parametrize("grant", GRANTS)
def test_client_and_scope_may_be_missing(grant: str) -> None:
    form, posted = GRANTS[grant]
    found = client_of(form).post("/token", data=posted).json()
    assert (found["client_id"], found["client_secret"], found["scopes"]) == (None, None, [])


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize("grant_type", ["other", "password\n", "Password", "refresh_token ", "client_credentialsx"])
def test_another_grant_is_refused(grant: str, grant_type: str) -> None:
    form, posted = GRANTS[grant]
    assert client_of(form).post("/token", data={**posted, "grant_type": grant_type}).status_code == 422


@pytest.mark.parametrize("grant, field", [(grant, field) for grant in GRANTS for field in GRANTS[grant][1]])
def test_a_missing_field_is_refused(grant: str, field: str) -> None:
    form, posted = GRANTS[grant]
    missing = {name: value for name, value in posted.items() if name != field}
    assert client_of(form).post("/token", data=missing).status_code == 422

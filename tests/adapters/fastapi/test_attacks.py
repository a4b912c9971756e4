"""Ways around what was declared, each of which was open once."""

# Annotations are evaluated at once: those of the endpoints here name what is local to a test.

from typing import Annotated, Any

import fastapi
import pytest
from authmw_fastapi import (
    CurrentPrincipal,
    FastAPIAuth,
    OptionalPrincipal,
    Scopes,
    Security,
    caller,
    caller_by,
    openapi_document,
)
from fastapi import Depends, FastAPI

from authmw import ConfigurationError, Principal
from tests.adapters.fastapi.apps import as_, client_of, make_auth, security_of

AUTH = make_auth()


def named(principal: CurrentPrincipal) -> str:
    """A dependency of a program, as ``get_current_user`` is in many."""
    return principal.id


def perhaps_named(principal: OptionalPrincipal) -> str:
    """The same, for whoever asks."""
    return principal.id


def reading(principal: Annotated[Principal, Scopes("items:read")]) -> str:
    """The same, for readers."""
    return principal.id


@pytest.mark.parametrize("dependency", [named, perhaps_named, reading])
def test_scopes_declared_above_a_dependency_that_lets_through_are_needed(dependency: Any) -> None:
    app = FastAPI()
    FastAPIAuth(app, AUTH)

    @app.get("/items")
    def items(name: Annotated[str, fastapi.Security(dependency, scopes=["items:write"])]) -> str:
        return name

    client = client_of(app)
    assert client.get("/items").status_code == 401
    refused = client.get("/items", headers=as_("reader"))
    assert refused.status_code == 403
    assert "items:write" in refused.headers["www-authenticate"]
    assert client.get("/items", headers=as_("writer")).json() == "carol"
    assert all(
        "items:write" in scopes for each in security_of(openapi_document(app))["GET /items"] for scopes in each.values()
    )


def test_what_was_let_through_with_fewer_scopes_is_not_remembered_for_more() -> None:
    app = FastAPI(dependencies=[Depends(named)])
    FastAPIAuth(app, AUTH)

    @app.get("/items")
    def items(name: Annotated[str, fastapi.Security(named, scopes=["items:write"])]) -> str:
        return name

    assert client_of(app).get("/items", headers=as_("reader")).status_code == 403


@pytest.mark.parametrize("dependency", [caller, caller_by(AUTH)])
def test_scopes_of_what_asks_for_nothing_are_a_mistake(dependency: Any) -> None:
    with pytest.raises(ConfigurationError, match="asks for nothing"):
        Security(dependency, scopes=["items:write"])
    Security(dependency)

"""A document describes every status that an operation is refused by, and how that answer looks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from authmw import APIKeyHeader, Auth, HTTPBearer, Requirement, any_of
from authmw.http.reasons import Reason
from authmw.http.refusal import Body, Refusal
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, OWN_CREDENTIALS, PUBLIC
from authmw.openapi.refusals import refusals, schema
from authmw.schemes.token_cookie import TokenCookie
from tests.openapi.declared import READ, WRITE, mistakes_in

BEARER = Auth(HTTPBearer(), scopes={READ: "See orders."})
COOKIE = Auth(TokenCookie(origins=["https://shop.example"]))
OWNED = Requirement(predicates=(lambda principal, request: True,))


def described(auth: Auth, requirement: Requirement, version: Any = "3.1") -> dict[str, Any]:
    return dict(refusals(auth, requirement, version=version, schema="Refusal"))


@pytest.mark.parametrize(
    "auth, requirement, statuses",
    [
        (BEARER, PUBLIC, ""),
        (BEARER, OWN_CREDENTIALS, ""),
        (BEARER, OPTIONAL, "400 401 429"),
        (BEARER, AUTHENTICATED, "400 401 429"),
        (BEARER, Requirement.all_of(READ), "400 401 403 429"),
        (BEARER, Requirement.all_of(any_of(READ, WRITE)), "400 401 403 429"),
        (BEARER, OWNED, "400 401 403 429"),
        (COOKIE, AUTHENTICATED, "400 401 429"),
        (COOKIE, OPTIONAL, "400 401 429"),
        (COOKIE, PUBLIC, ""),
    ],
)
def test_each_operation_has_the_statuses_it_is_refused_by(auth: Auth, requirement: Requirement, statuses: str) -> None:
    assert " ".join(described(auth, requirement)) == statuses


def test_every_refusal_of_a_request_is_among_the_statuses() -> None:
    possible = {str(reason.status) for reason in Reason if reason.status != 503}  # any request may meet one
    assert set(described(COOKIE, Requirement.all_of(READ))) == possible


def test_what_is_optional_is_refused_for_bad_credentials_only() -> None:
    assert described(BEARER, OPTIONAL)["401"]["description"] == "Bad credentials."
    assert described(BEARER, AUTHENTICATED)["401"]["description"] == "No credentials, or bad ones."


def test_a_403_tells_the_scopes_with_what_they_mean_and_all_other_reasons() -> None:
    needed = Requirement.all_of(READ, WRITE) & OWNED
    text = described(BEARER, needed)["403"]["description"]
    assert text == (
        "The caller lacks a scope. The operation names `orders:read` (See orders); `orders:write`. "
        "The caller may not do this."
    )


@pytest.mark.parametrize(
    "auth, requirement, is_told",
    [
        (BEARER, Requirement.all_of(READ), True),
        (BEARER, OWNED, False),
        (Auth(APIKeyHeader("X-Key")), Requirement.all_of(READ), False),
        (Auth(APIKeyHeader("X-Key") | HTTPBearer()), Requirement.all_of(READ), True),
    ],
)
def test_a_403_has_a_challenge_only_where_bearer_tells_the_scopes(
    auth: Auth, requirement: Requirement, is_told: bool
) -> None:
    assert ("headers" in described(auth, requirement)["403"]) is is_told


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_the_body_of_every_refusal_fits_the_schema(reason: Reason) -> None:
    body = json.loads(Refusal(reason, scopes=(READ, WRITE)).response().body)
    validator: Any = OAS31Validator(schema())
    assert list(validator.iter_errors(body)) == []
    assert body.keys() <= schema()["properties"].keys()


def test_a_body_that_an_application_renders_is_not_described_as_ours() -> None:
    auth = Auth(HTTPBearer(), render=lambda refusal, request: Body("text/plain", b"no"))
    for response in described(auth, Requirement.all_of(READ)).values():
        assert "content" not in response
    assert "schema" not in described(auth, AUTHENTICATED, version="2.0")["401"]


def test_the_schema_is_valid_by_itself() -> None:
    document: dict[str, Any] = {
        "openapi": "3.1.1",
        "info": {"title": "t", "version": "1"},
        "components": {"schemas": {"Refusal": schema()}},
    }
    assert mistakes_in(document, "3.1") == []
    schema()["properties"].clear()
    assert schema()["properties"]

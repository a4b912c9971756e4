"""Security is written into the document of any generator, and nothing else of it changes."""

from __future__ import annotations

import json
from collections import OrderedDict
from copy import deepcopy
from types import MappingProxyType
from typing import Any

import pytest

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBearer, OAuth2PasswordBearer, Requirement
from authmw.http.refusal import Body
from authmw.identity.requirement import AUTHENTICATED, OPTIONAL, PUBLIC
from authmw.openapi import secured, security_schemes
from authmw.openapi.schemes import Version
from authmw.openapi.securing import RequirementOfOperation, version_of
from tests.openapi.declared import MARKS, READ, VERSIONS, WRITE, every_scheme, made, mistakes_in, operation

AUTH = Auth(HTTPBearer())
NEEDS_READ = Requirement.all_of(READ)
EACH_VERSION = pytest.mark.parametrize("version", VERSIONS)


def always(requirement: Requirement | None) -> RequirementOfOperation:
    def requirement_of(path: str, method: str) -> Requirement | None:
        return requirement

    return requirement_of


def responses_of(document: dict[str, Any], path: str = "/orders", method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method]["responses"]
    return found


@EACH_VERSION
@pytest.mark.parametrize("requirement", [PUBLIC, OPTIONAL, AUTHENTICATED, NEEDS_READ], ids=str)
def test_the_document_is_valid_in_every_version(version: Version, requirement: Requirement) -> None:
    paths = {"/orders": {"get": operation(), "post": operation()}, "/orders/all": {"delete": operation()}}
    done = secured(made(version, paths), every_scheme(), always(requirement))
    assert mistakes_in(done, version) == []
    json.dumps(done)


@EACH_VERSION
def test_every_scheme_that_is_named_is_described(version: Version) -> None:
    done = secured(made(version, {"/orders": {"get": operation()}}), every_scheme(), always(NEEDS_READ))
    described = done["securityDefinitions"] if version == "2.0" else done["components"]["securitySchemes"]
    named = {name for each in done["paths"]["/orders"]["get"]["security"] for name in each}
    assert named == described.keys()


@EACH_VERSION
def test_the_document_that_was_given_stays_as_it_is(version: Version) -> None:
    given = made(version, {"/orders": {"get": operation(security=[{"old": []}])}}, security=[{"old": []}])
    before = deepcopy(given)
    done = secured(given, AUTH, always(NEEDS_READ))
    assert given == before
    done["paths"]["/orders"]["get"]["responses"]["200"]["description"] = "changed"
    done["info"]["title"] = "changed"
    assert given == before


def test_what_was_written_by_hand_is_replaced() -> None:
    by_hand = made(
        "3.1",
        {"/orders": {"get": operation(security=[])}},
        components={"securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "basic"}}},
        security=[{"HTTPBearer": []}],
    )
    done = secured(by_hand, AUTH, always(NEEDS_READ))
    assert done["paths"]["/orders"]["get"]["security"] == [{"HTTPBearer": [READ]}]
    assert done["components"]["securitySchemes"] == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


def test_what_is_public_says_so_where_the_document_asks_for_something_by_default() -> None:
    given = made("3.1", {"/health": {"get": operation()}}, security=[{"HTTPBearer": []}])
    done = secured(given, AUTH, always(PUBLIC))
    assert done["paths"]["/health"]["get"]["security"] == []
    assert responses_of(done, "/health").keys() == {"200"}


def test_operations_that_nobody_knows_stay_as_they_are() -> None:
    paths = {"/orders": {"get": operation(), "post": operation()}, "/elsewhere": {"get": operation()}}
    done = secured(made("3.1", paths), AUTH, _only_get_orders)
    assert done["paths"]["/orders"]["get"]["security"] == [{"HTTPBearer": [READ]}]
    assert done["paths"]["/orders"]["post"] == operation()
    assert done["paths"]["/elsewhere"]["get"] == operation()


def _only_get_orders(path: str, method: str) -> Requirement | None:
    return NEEDS_READ if (path, method) == ("/orders", "GET") else None


def test_webhooks_and_callbacks_are_requests_of_others_and_stay_as_they_are() -> None:
    callbacks = {"paid": {"{$request.body#/url}": {"post": operation()}}}
    webhooks = {"stocked": {"post": operation()}}
    paths = {"/orders": {"get": operation(callbacks=callbacks)}}
    done = secured(made("3.1", paths, webhooks=webhooks), AUTH, always(NEEDS_READ))
    assert done["webhooks"] == webhooks
    assert done["paths"]["/orders"]["get"]["callbacks"] == callbacks
    assert mistakes_in(done, "3.1") == []


def test_what_else_stands_beside_operations_is_no_operation() -> None:
    item: dict[str, Any] = {
        "parameters": [{"name": "get", "in": "query", "schema": {}}],
        "summary": "get",
        "servers": [],
        "x-get": {},
    }
    paths: dict[str, Any] = {"/orders": {**item, "get": operation()}, "x-note": "get and post", "/nothing": None}
    done = secured(made("3.1", paths), AUTH, always(NEEDS_READ))
    assert {name: done["paths"]["/orders"][name] for name in item} == item
    assert (done["paths"]["x-note"], done["paths"]["/nothing"]) == ("get and post", None)


@pytest.mark.parametrize("empty", [{}, {"paths": {}}, {"paths": None}, {"components": None, "paths": {"/x": {}}}])
@EACH_VERSION
def test_a_document_without_operations_gets_the_schemes_alone(version: Version, empty: dict[str, Any]) -> None:
    done = secured({**MARKS[version], **empty}, AUTH, always(NEEDS_READ))
    schemes = security_schemes(AUTH, version)
    added = {"securityDefinitions": schemes} if version == "2.0" else {"components": {"securitySchemes": schemes}}
    assert done == {**MARKS[version], **empty, **added}
    assert "Refusal" not in json.dumps(done)


def test_where_everything_is_public_there_is_no_schema_of_refusals() -> None:
    done = secured(made("3.1", {"/orders": {"get": operation()}}), AUTH, always(PUBLIC))
    assert "schemas" not in done["components"]


def test_nor_where_the_application_renders_them() -> None:
    auth = Auth(HTTPBearer(), render=lambda refusal, request: Body("text/plain", b"no"))
    done = secured(made("3.1", {"/orders": {"get": operation()}}), auth, always(NEEDS_READ))
    assert "schemas" not in done["components"]
    assert mistakes_in(done, "3.1") == []


def test_statuses_that_an_operation_describes_itself_stay() -> None:
    own = {"description": "mine"}
    responses = {"401": own, 403: own, "default": own}
    done = secured(made("3.1", {"/orders": {"get": {"responses": responses}}}), AUTH, always(NEEDS_READ))
    assert responses_of(done) == {**responses, "400": responses_of(done)["400"], "429": responses_of(done)["429"]}


@pytest.mark.parametrize("responses", [{}, {"responses": None}, {"responses": {}}])
def test_an_operation_without_responses_gets_those_of_its_refusals(responses: dict[str, Any]) -> None:
    done = secured(made("3.1", {"/orders": {"get": responses}}), AUTH, always(AUTHENTICATED))
    assert responses_of(done).keys() == {"400", "401", "429"}


@EACH_VERSION
def test_a_schema_of_the_same_name_is_left_alone(version: Version) -> None:
    own = {"type": "object", "description": "how parcels are refused"}
    where = {"definitions": {"Refusal": own}} if version == "2.0" else {"components": {"schemas": {"Refusal": own}}}
    done = secured(made(version, {"/orders": {"get": operation()}}, **where), AUTH, always(NEEDS_READ))
    schemas = done["definitions"] if version == "2.0" else done["components"]["schemas"]
    assert schemas["Refusal"] == own
    assert schemas.keys() == {"Refusal", "AuthmwRefusal"}
    assert "AuthmwRefusal" in json.dumps(responses_of(done)["401"])
    assert mistakes_in(done, version) == []


@EACH_VERSION
def test_securing_twice_is_securing_once(version: Version) -> None:
    once = secured(made(version, {"/orders": {"get": operation()}}), every_scheme(), always(NEEDS_READ))
    assert secured(once, every_scheme(), always(NEEDS_READ)) == once


def test_one_operation_in_two_places_is_secured_for_each() -> None:
    shared = operation()
    paths = {"/orders": {"get": shared}, "/health": {"get": shared}}
    done = secured(made("3.1", paths), AUTH, lambda path, _: PUBLIC if path == "/health" else NEEDS_READ)
    assert done["paths"]["/orders"]["get"]["security"] == [{"HTTPBearer": [READ]}]
    assert done["paths"]["/health"]["get"]["security"] == []
    assert responses_of(done, "/health").keys() == {"200"}


def test_mappings_and_sequences_of_any_type_are_read() -> None:
    given = OrderedDict(made("3.1", {"/orders": MappingProxyType({"get": OrderedDict(operation(tags=("a", "b")))})}))
    done = secured(given, AUTH, always(NEEDS_READ))
    assert done["paths"]["/orders"]["get"]["tags"] == ["a", "b"]
    assert done["paths"]["/orders"]["get"]["security"] == [{"HTTPBearer": [READ]}]


def test_a_path_item_that_is_elsewhere_in_the_document_is_secured_for_each_path() -> None:
    paths: dict[str, Any] = {
        "/orders": {"$ref": "#/components/pathItems/orders"},
        "/old": {"$ref": "#/paths/~1orders", "summary": "as before"},
    }
    given = made("3.1", paths, components={"pathItems": {"orders": {"get": operation()}}})
    done = secured(given, AUTH, lambda path, _: NEEDS_READ if path == "/orders" else AUTHENTICATED)
    assert done["paths"]["/orders"]["get"]["security"] == [{"HTTPBearer": [READ]}]
    assert done["paths"]["/old"]["get"]["security"] == [{"HTTPBearer": []}]
    assert done["paths"]["/old"]["summary"] == "as before"
    assert done["components"]["pathItems"] == {"orders": {"get": operation()}}
    assert mistakes_in(done, "3.1") == []


@pytest.mark.parametrize(
    "reference",
    ["orders.yaml", "#/components/pathItems/none", "#/info/title", "#/paths/~1orders", "https://x.example/#/a"],
)
def test_a_path_item_that_cannot_be_secured_is_refused(reference: str) -> None:
    given = made("3.1", {"/orders": {"$ref": reference}})
    with pytest.raises(ConfigurationError, match=r"/orders refers to .*: write its path item into it"):
        secured(given, AUTH, always(NEEDS_READ))


def test_unless_nothing_of_it_is_served_here() -> None:
    given = made("3.1", {"/orders": {"$ref": "elsewhere.yaml"}})
    assert secured(given, AUTH, always(None))["paths"] == given["paths"]


def test_the_scopes_that_operations_name_are_listed_in_the_flows() -> None:
    auth = Auth(OAuth2PasswordBearer("token"), scopes={READ: "See orders"})
    paths = {"/orders": {"get": operation(), "post": operation()}}
    done = secured(made("3.1", paths), auth, lambda _, method: Requirement.all_of(READ if method == "GET" else WRITE))
    [scheme] = done["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["scopes"] == {READ: "See orders", WRITE: ""}


def test_other_components_stay() -> None:
    components = {"schemas": {"Order": {"type": "object"}}, "securitySchemes": {"mTLS": {"type": "mutualTLS"}}}
    done = secured(made("3.1", {"/o": {"get": operation()}}, components=components), AUTH, always(NEEDS_READ))
    assert done["components"]["schemas"]["Order"] == {"type": "object"}
    assert done["components"]["securitySchemes"].keys() == {"mTLS", "HTTPBearer"}


def test_a_version_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"this is 3\.2\.0"):
        secured({"openapi": "3.2.0"}, Auth(APIKeyHeader("X-Key")), always(None))


@pytest.mark.parametrize(
    "said, version",
    [
        ({"openapi": "3.1.0"}, "3.1"),
        ({"openapi": "3.1.1"}, "3.1"),
        ({"openapi": "3.0.0"}, "3.0"),
        ({"openapi": "3.0.4"}, "3.0"),
        ({"openapi": 3.1}, "3.1"),
        ({"swagger": "2.0"}, "2.0"),
        ({"swagger": 2.0}, "2.0"),
    ],
)
def test_a_document_says_its_version(said: dict[str, Any], version: str) -> None:
    assert version_of(said) == version


@pytest.mark.parametrize(
    "said", [{}, {"openapi": "3.2.0"}, {"openapi": "3.10.0"}, {"openapi": "4"}, {"swagger": "1.2"}, {"openapi": None}]
)
def test_a_document_of_another_version_is_refused_in_a_sentence(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"3\.1, 3\.0 or Swagger 2\.0 is needed"):
        version_of(said)

"""One shop by five OpenAPI libraries: each document says what is enforced, and each refusal is the same to the byte."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

import pytest
from authmw_flask import FlaskAuth, any_of, openapi_document, public, requires_scopes
from flask import Flask
from openapi_spec_validator import OpenAPIV2SpecValidator, validate
from werkzeug.datastructures import Headers

from authmw import APIKeyHeader, Auth, HTTPBearer, Principal
from tests.examples.running import get, running

# The path of each one's document.
LIBRARIES: Final = {
    "smorest": "/openapi.json",
    "apiflask": "/openapi.json",
    "openapi3": "/openapi/openapi.json",
    "restx": "/swagger.json",
    "apispec": "/openapi.json",
}
PEOPLE: Final = {
    "reader": Principal("reader", scopes={"orders:read"}),
    "admin": Principal("admin", scopes={"orders:admin"}),
    "nobody": Principal("nobody"),
}
OPERATIONS: Final = {
    ("/health", "get"),
    ("/orders", "get"),
    ("/orders", "post"),
    ("/orders/{number}", "get"),
    ("/me", "get"),
}


@cache
def example(library: str) -> Flask:
    app = import_module(f"examples.openapi.{library}_app").create_app(PEOPLE)
    assert isinstance(app, Flask)
    return app


def document_of(library: str) -> dict[str, Any]:
    answer = example(library).test_client().get(LIBRARIES[library])
    assert answer.status_code == 200
    made: dict[str, Any] = answer.get_json()
    return made


def _order(number: int) -> dict[str, int]:
    return {"number": number}


@cache
def plain() -> Flask:
    """The same shop without any library."""
    app = Flask("shop")
    app.add_url_rule("/health", "health", public(lambda: {"ok": True}))
    app.add_url_rule("/orders", "list", requires_scopes("orders:read")(lambda: ["tea", "cake"]))
    writing = requires_scopes(any_of("orders:write", "orders:admin"))
    app.add_url_rule("/orders", "create", writing(lambda: {}), methods=["POST"])
    app.add_url_rule("/orders/<int:number>", "order", requires_scopes("orders:read")(_order))
    app.add_url_rule("/me", "me", lambda: {"id": "reader"})
    FlaskAuth(app, Auth(HTTPBearer(PEOPLE.get) | APIKeyHeader("X-API-Key", PEOPLE.get)))
    return app


def operations_of(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post")
    }


def without_scopes(security: list[dict[str, list[str]]]) -> list[dict[str, list[str]]]:
    """Swagger 2.0 has scopes with OAuth 2 only: what differs in them alone is one alternative."""
    alternatives: list[dict[str, list[str]]] = [{name: [] for name in each} for each in security]
    return [each for index, each in enumerate(alternatives) if each not in alternatives[:index]]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_document_has_the_security_of_our_own(library: str) -> None:
    theirs, ours = operations_of(document_of(library)), operations_of(openapi_document(plain()))
    assert theirs.keys() == ours.keys() == OPERATIONS
    for key, operation in theirs.items():
        security = ours[key]["security"]
        assert operation["security"] == (without_scopes(security) if library == "restx" else security), key


def test_what_is_enforced_is_what_our_own_document_says() -> None:
    """So that the five are not compared with something wrong."""
    described = operations_of(openapi_document(plain()))
    assert described["/health", "get"]["security"] == []
    assert described["/me", "get"]["security"] == [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    assert described["/orders", "post"]["security"] == [
        {"HTTPBearer": ["orders:write"]},
        {"HTTPBearer": ["orders:admin"]},
        {"APIKeyHeader": ["orders:write"]},
        {"APIKeyHeader": ["orders:admin"]},
    ]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_document_describes_the_schemes_and_the_refusals(library: str) -> None:
    document = document_of(library)
    if library == "restx":
        assert document["securityDefinitions"] == {
            "HTTPBearer": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "The word Bearer, a space, and the value.",
            },
            "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    else:
        assert document["components"]["securitySchemes"] == {
            "HTTPBearer": {"type": "http", "scheme": "bearer"},
            "APIKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    for key, operation in operations_of(document).items():
        described = {"400", "401", "429"} if key != ("/health", "get") else set[str]()
        if key[0].startswith("/orders"):
            described.add("403")
            assert "orders:" in operation["responses"]["403"]["description"]
        assert {"400", "401", "403", "429"} & operation["responses"].keys() == described, key


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_document_is_valid(library: str) -> None:
    document = document_of(library)
    if library == "restx":
        validate(document, cls=OpenAPIV2SpecValidator)
    else:
        assert document["openapi"].startswith("3.1")
        validate(document)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_our_own_document_of_the_same_application_is_valid(library: str, version: Any) -> None:
    made = openapi_document(example(library), openapi=version, include=lambda route: True)
    assert made["openapi"].startswith(version)
    assert operations_of(made).keys() > OPERATIONS
    validate(made)


REQUESTS: Final = [
    *(("GET", path, who) for path in ("/orders", "/orders/1", "/me", "/nowhere") for who in ("", "forged", "twice")),
    *(("POST", "/orders", who) for who in ("", "reader", "nobody", "forged", "twice")),
    *(("GET", path, who) for path in ("/orders", "/orders/1") for who in ("admin", "nobody")),
    ("GET", "/health", "twice"),
]


def _wire(app: Flask, method: str, path: str, who: str) -> tuple[str, list[tuple[str, str]], bytes]:
    tokens = {"": [], "twice": ["reader", "reader"]}.get(who, [who])
    headers = Headers([("Authorization", f"Bearer {token}") for token in tokens])
    answer = app.test_client().open(path, method=method, headers=headers)
    return answer.status, list(answer.headers), answer.data


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_refusal_is_the_same_to_the_byte_as_in_plain_flask(library: str) -> None:
    for request in REQUESTS:
        refused = _wire(example(library), *request)
        assert refused[0][:3] in ("400", "401", "403"), request
        assert refused == _wire(plain(), *request), request


def test_400_401_and_403_are_among_those() -> None:
    assert {_wire(plain(), *each)[0][:3] for each in REQUESTS} == {"400", "401", "403"}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "method, path, who, status",
    [
        ("GET", "/health", "", 200),
        ("GET", "/orders", "reader", 200),
        ("POST", "/orders", "admin", 201),
        ("GET", "/orders/7", "reader", 200),
        ("GET", "/me", "nobody", 200),
    ],
)
def test_what_the_document_asks_for_is_enough(library: str, method: str, path: str, who: str, status: int) -> None:
    client = example(library).test_client()
    for headers in ({"Authorization": f"Bearer {who}"}, {"X-API-Key": who}) if who else ({},):
        assert client.open(path, method=method, headers=headers).status_code == status


@pytest.mark.servers
@pytest.mark.parametrize("library", LIBRARIES)
def test_it_runs_by_itself(library: str, tmp_path: Any) -> None:
    with running(f"openapi/{library}_app.py", tmp_path) as (port, _):
        assert get(port, "/orders")[0] == 401
        assert get(port, "/orders", Authorization="Bearer t0ken") == (200, ["tea", "cake"])
        assert "paths" in get(port, LIBRARIES[library])[1]

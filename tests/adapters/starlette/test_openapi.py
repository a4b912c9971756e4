"""The OpenAPI document of a Starlette application."""

from __future__ import annotations

from typing import Literal

import pytest
from authmw_starlette import AuthMiddleware
from authmw_starlette.openapi import openapi_document
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from authmw import ConfigurationError
from tests.adapters.starlette.support import PLACEMENTS, Placement, guard, make_auth
from tests.adapters.starlette.test_listing import Orders, make_app, undeclared


async def order(request: Request) -> Response:
    """One order.

    With all its lines.
    """
    return PlainTextResponse("order")


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_operations_are_those_of_the_routes_mounts_included(placement: Placement) -> None:
    document = openapi_document(guard(make_app(), placement), title="Shop", version="2", description="Tea.")
    assert document["info"] == {"title": "Shop", "version": "2", "description": "Tea."}
    security = {
        f"{method.upper()} {path}": operation["security"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert security == {
        "GET /undeclared": [{"HTTPBearer": []}],
        "GET /open": [],
        "POST /open": [],
        "GET /orders/{number}": [{"HTTPBearer": ["orders:read"]}],
        "GET /partial": [{"HTTPBearer": ["orders:read"]}],
        "GET /class": [],
        "POST /class": [{"HTTPBearer": ["orders:write"]}],
        "GET /shops/{shop}/": [{"HTTPBearer": []}],
        "GET /admin/open": [{"HTTPBearer": ["admin"]}],
        "GET /admin/": [{"HTTPBearer": ["admin"]}],
        "GET /zipped/x": [{"HTTPBearer": ["orders:read"]}],
        "GET /host": [{"HTTPBearer": []}],
    }


def test_summaries_come_from_docstrings_and_parameters_from_convertors() -> None:
    app = Starlette(routes=[Mount("/shops/{shop}", routes=[Route("/orders/{number:int}", order)])])
    app.add_middleware(AuthMiddleware, auth=make_auth())
    operation = openapi_document(app, title="Shop")["paths"]["/shops/{shop}/orders/{number}"]["get"]
    assert (operation["summary"], operation["description"]) == ("One order.", "With all its lines.")
    assert [(each["name"], each["schema"]["type"]) for each in operation["parameters"]] == [
        ("shop", "string"),
        ("number", "integer"),
    ]
    assert operation["operationId"] == "order"


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_the_document_is_valid(version: Literal["3.0", "3.1"]) -> None:
    document = openapi_document(guard(make_app()), title="Shop", openapi=version)
    validator = OpenAPIV31SpecValidator if version == "3.1" else OpenAPIV30SpecValidator
    assert list(validator(document).iter_errors()) == []


def test_an_application_without_routes_has_a_document_too() -> None:
    assert openapi_document(guard(Starlette()), title="Shop")["paths"] == {}


def test_one_auth_has_to_guard_it() -> None:
    with pytest.raises(ConfigurationError, match="add_middleware"):
        openapi_document(Starlette(routes=[Route("/class", Orders)]), title="Shop")
    two = Starlette(routes=[Mount("/a", app=AuthMiddleware(Starlette(routes=[Route("/", undeclared)]), make_auth()))])
    two.add_middleware(AuthMiddleware, auth=make_auth())
    with pytest.raises(ConfigurationError, match="each part"):
        openapi_document(two, title="Shop")
